import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'
import type { MutableKinds } from './immutable-fields.ts'
import { isUnknown, type JsonObject } from './property-value.ts'

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
    if (property === 'enableServerSideApply' && String(value) === 'false') {
      const reason = 'the offline provider always uses server-side apply: leave it out'
      return [{ property, reason }]
    }
    if (known.has(property)) return []
    const reason = `the offline provider does not support "${property}": remove it, or use the official provider`
    return [{ property, reason }]
  })
}

/** Values that are no text arrive as JSON in a text. */
export function parseConfig(args: JsonObject): ProviderConfig {
  const text = (name: (typeof TEXTS)[number]) => {
    const value = args[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const flag = (name: (typeof FLAGS)[number]) => String(args[name]) === 'true'
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
  const { text, source } = readKubeconfig(config.kubeconfig)
  try {
    kubeConfig.loadFromString(text)
    if (isPath(config.kubeconfig)) kubeConfig.makePathsAbsolute(join(source, '..'))
  } catch (error) {
    throw new Error(`${source} is no kubeconfig: ${(error as Error).message}`)
  }
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

const isPath = (kubeconfig: string | undefined): boolean =>
  kubeconfig === undefined || !kubeconfig.includes('\n')

function readKubeconfig(kubeconfig: string | undefined): { text: string; source: string } {
  if (kubeconfig !== undefined && !isPath(kubeconfig)) {
    return { text: kubeconfig, source: 'the kubeconfig given as text' }
  }
  const home = homedir()
  const given = kubeconfig ?? process.env['KUBECONFIG'] ?? join(home, '.kube', 'config')
  const source = given.replace(/^~(?=\/)/, home)
  if (!existsSync(source)) {
    // A whole kubeconfig may also be given as one line of JSON.
    if (given.trimStart().startsWith('{')) return { text: given, source: 'the kubeconfig given' }
    throw new Error(`kubeconfig: expected a file or its contents, but ${source} is not there`)
  }
  return { text: readFileSync(source, 'utf8'), source }
}
