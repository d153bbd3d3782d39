import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { Verdict } from './diff.ts'
import { changesBetween } from './difference.ts'
import { listAt, stringAt, unwrapSecrets, type Json, type JsonObject } from './property-value.ts'

/**
 * A provider that now speaks to another cluster is another provider: all its objects are made anew
 * there. Anything else (a new certificate, another path of the same cluster) is an update.
 */
export function diffProviders(olds: JsonObject, news: JsonObject): Verdict {
  const before = unwrapSecrets(olds).plain as JsonObject
  const after = unwrapSecrets(news).plain as JsonObject
  const moved = isOtherCluster(before, after)
  const changes = changesBetween(before, after)
    .filter((change) => change.path[0] !== 'version')
    .map((change) => ({ ...change, replace: moved }))
  return { changes, deleteBeforeReplace: false }
}

function isOtherCluster(before: JsonObject, after: JsonObject): boolean {
  const [oldName, newName] = [before, after].map((args) => stringAt(args, 'clusterIdentifier'))
  if (oldName !== undefined || newName !== undefined) return oldName !== newName
  const [oldServer, newServer] = [before, after].map(serverOf)
  return oldServer !== undefined && newServer !== undefined && oldServer !== newServer
}

function serverOf(args: JsonObject): string | undefined {
  try {
    const given = stringAt(args, 'kubeconfig')
    if (given === undefined) return undefined
    const text = given.includes('\n') || given.startsWith('{') ? given : readFileSync(given, 'utf8')
    const config = parse(text) as Json
    const named = (list: string, name: string | undefined) =>
      listAt(config, list).find((row) => stringAt(row, 'name') === name)
    const context = stringAt(args, 'context') ?? stringAt(config, 'current-context')
    const cluster =
      stringAt(args, 'cluster') ?? stringAt(named('contexts', context), 'context', 'cluster')
    return stringAt(named('clusters', cluster), 'cluster', 'server')
  } catch {
    // An unreadable kubeconfig is told by Configure; here it only means "cannot tell".
    return undefined
  }
}
