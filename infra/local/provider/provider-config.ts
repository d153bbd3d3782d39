import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'
import type { MutableKinds } from './immutable-fields.ts'
import { isUnknown, type Json, type JsonObject } from './property-value.ts'

/** The arguments of `new kubernetes.Provider(...)`, parsed. */
export interface ProviderConfig {
  /** Path or contents; absent: KUBECONFIG, then ~/.kube/config. */
  kubeconfig?: string
  context?: string
  cluster?: string
  namespace?: string
  clusterIdentifier?: string
  mutable: MutableKinds
  patchForce: boolean
  upsert: boolean
  suppressWarnings: boolean
  skipUpdateUnreachable: boolean
  deleteUnreachable: boolean
}

const TEXTS = ['kubeconfig', 'context', 'cluster', 'namespace', 'clusterIdentifier'] as const
const FLAGS = [
  'deleteUnreachable',
  'enableConfigMapMutable',
  'enablePatchForce',
  'enableSecretMutable',
  'enableServerSideApply',
  'skipUpdateUnreachable',
  'suppressDeprecationWarnings',
  'suppressHelmHookWarnings',
  'upsertExistingObjects',
] as const
/** What the engine itself adds. */
const ENGINE_KEYS = new Set(['version', 'pluginDownloadURL', '__internal', '__defaults'])

/** One sentence for each argument that this provider cannot honour. */
export function configProblems(args: JsonObject): { property: string; reason: string }[] {
  const known = new Set<string>([...TEXTS, ...FLAGS])
  return Object.entries(args).flatMap(([property, value]) => {
    if (ENGINE_KEYS.has(property) || value === null || isUnknown(value)) return []
    if (property === 'enableServerSideApply' && isSet(value, 'false')) {
      const reason = 'the offline provider always uses server-side apply: leave it out'
      return [{ property, reason }]
    }
    if (known.has(property)) return []
    const reason = `the offline provider does not support "${property}": remove it, or use the official provider`
    return [{ property, reason }]
  })
}

/** A flag arrives as JSON or as its text. */
const isSet = (value: Json | undefined, wanted: 'true' | 'false'): boolean =>
  value === wanted || JSON.stringify(value) === wanted

/** Values that are no text arrive as JSON in a text. */
export function parseConfig(args: JsonObject): ProviderConfig {
  const text = (name: (typeof TEXTS)[number]) => {
    const value = args[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const flag = (name: (typeof FLAGS)[number]) => isSet(args[name], 'true')
  return {
    kubeconfig: text('kubeconfig'),
    context: text('context'),
    cluster: text('cluster'),
    namespace: text('namespace'),
    clusterIdentifier: text('clusterIdentifier'),
    mutable: { configMap: flag('enableConfigMapMutable'), secret: flag('enableSecretMutable') },
    patchForce: flag('enablePatchForce'),
    upsert: flag('upsertExistingObjects'),
    suppressWarnings: flag('suppressDeprecationWarnings'),
    skipUpdateUnreachable: flag('skipUpdateUnreachable'),
    deleteUnreachable: flag('deleteUnreachable'),
  }
}

export interface ClusterAccess {
  kubeConfig: KubeConfig
  server: string
  namespace: string
}

/** The cluster of the named context (or the current one): no other is ever read or asked. */
export async function clusterAccess(config: ProviderConfig): Promise<ClusterAccess> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const kubeConfig = new KubeConfig()
  const parts = readKubeconfig(config.kubeconfig)
  for (const { text, source, folder } of parts) {
    const part = new KubeConfig()
    try {
      part.loadFromString(text)
    } catch (error) {
      throw new Error(`${source} is no kubeconfig: ${(error as Error).message}`, { cause: error })
    }
    if (folder) part.makePathsAbsolute(folder)
    kubeConfig.mergeConfig(part, Boolean(kubeConfig.getCurrentContext()))
  }
  const source = parts.map((part) => part.source).join(', ')
  const name = config.context ?? kubeConfig.getCurrentContext()
  const context = kubeConfig.getContextObject(name)
  if (!context) {
    const known = kubeConfig.getContexts().map((row) => row.name)
    throw new Error(
      `${source}: expected a context named "${name}", got ${known.join(', ') || 'none'}. Fix: name one of them in cluster.context`,
    )
  }
  const chosen = { ...context, cluster: config.cluster ?? context.cluster }
  kubeConfig.contexts = [chosen]
  kubeConfig.setCurrentContext(name)
  const cluster = kubeConfig.getCurrentCluster()
  if (!cluster) {
    throw new Error(`${source}: the context "${name}" names no cluster that the file has`)
  }
  return {
    kubeConfig,
    server: cluster.server,
    namespace: config.namespace ?? context.namespace ?? 'default',
  }
}

interface KubeconfigPart {
  text: string
  source: string
  /** To which its relative paths refer. */
  folder?: string
}

/** Contents, a path, or several paths joined as in KUBECONFIG: the first says the current context. */
function readKubeconfig(kubeconfig: string | undefined): KubeconfigPart[] {
  const home = homedir()
  const given = kubeconfig ?? process.env['KUBECONFIG'] ?? join(home, '.kube', 'config')
  if (given.includes('\n') || given.trimStart().startsWith('{')) {
    return [{ text: given, source: 'the kubeconfig given as text' }]
  }
  const paths = given.split(delimiter).map((path) => path.replace(/^~(?=\/)/, home))
  const found = paths.filter((path) => path !== '' && existsSync(path))
  if (found.length === 0) {
    throw new Error(`kubeconfig: expected a file or its contents, but ${given} is not there`)
  }
  return found.map((path) => ({
    text: readFileSync(path, 'utf8'),
    source: path,
    folder: dirname(path),
  }))
}
