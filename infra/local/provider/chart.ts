import * as pulumi from '@pulumi/pulumi'
import { UnreachableError } from './api-client.ts'
import { chartObjects, type ChartObject } from './chart-objects.ts'
import { helmTemplate } from './helm-template.ts'
import { keyOfObject, tokenOf } from './object-type.ts'
import { isObject, type Json, type JsonObject } from './property-value.ts'
import { OFFLINE_PROVIDER_VERSION } from './provider-version.ts'
import type { Session } from './session.ts'

export const CHART = 'kubernetes:helm.sh/v4:Chart'
const SUPPORTED = new Set([
  'chart',
  'dependencyUpdate',
  'name',
  'namespace',
  'resourcePrefix',
  'resources',
  'skipAwait',
  'skipCrds',
  'valueYamlFiles',
  'values',
  'version',
])

interface ChartArgs {
  chart: string
  name?: string
  namespace?: string
  resourcePrefix?: string
  version?: string
  values?: JsonObject
  valueYamlFiles?: unknown[]
  skipAwait?: boolean
  skipCrds?: boolean
  dependencyUpdate?: boolean
}

export interface ChartRequest {
  inputs: Record<string, unknown>
  /** Texts of the inputs that are secret. */
  secrets: string[]
  /** To which a chart's relative path refers. */
  cwd: string
}

/** An object of any kind: the token says which. */
class ChartResource extends pulumi.CustomResource {}

/** `helm.v4.Chart`: renders the chart and registers each object as a resource below it. */
export class Chart extends pulumi.ComponentResource {
  resources: pulumi.Resource[] = []
  readonly #session: Session
  readonly #name: string

  constructor(session: Session, name: string, options: pulumi.ComponentResourceOptions) {
    super(CHART, name, {}, options)
    this.#session = session
    this.#name = name
  }

  /**
   * Rendered before any output depends on it, so that what Helm says fails this call and nothing
   * else. With an input that a preview does not know there is nothing to render.
   */
  async fill(request: ChartRequest): Promise<void> {
    const unsupported = Object.keys(request.inputs).filter((key) => !SUPPORTED.has(key))
    if (unsupported.length > 0) {
      throw new Error(
        `helm.v4.Chart "${this.#name}": the offline provider does not support ${unsupported.join(', ')}: remove it, or use the official provider`,
      )
    }
    const args = await knownArgs(request.inputs)
    if (args) {
      const rows = await render(this.#session, this.#name, args, request)
      this.resources = registerAll(this, rows, request.secrets)
    } else {
      const why = 'values of the chart are not known yet: its objects are not in this preview'
      await this.#session.log.log('warning', `${this.#name}: ${why}`)
    }
    this.registerOutputs({ resources: this.resources })
  }
}

async function knownArgs(inputs: Record<string, unknown>): Promise<ChartArgs | undefined> {
  const output = pulumi.unsecret(pulumi.output(inputs)) as unknown as {
    isKnown: Promise<boolean>
    promise(): Promise<ChartArgs>
  }
  const args = await output.promise()
  return (await output.isKnown) ? args : undefined
}

async function render(
  session: Session,
  name: string,
  args: ChartArgs,
  request: ChartRequest,
): Promise<ChartObject[]> {
  const namespace = args.namespace || session.namespace
  const objects = await helmTemplate({
    release: args.name || name,
    namespace,
    chart: args.chart,
    version: args.version,
    values: args.values ?? {},
    valueFiles: (args.valueYamlFiles ?? []).map(pathOfAsset),
    skipCrds: args.skipCrds === true,
    dependencyUpdate: args.dependencyUpdate === true,
    capabilities: await capabilities(session),
    cwd: request.cwd,
  })
  return chartObjects(objects, {
    prefix: args.resourcePrefix ?? name,
    namespace,
    skipAwait: args.skipAwait === true,
  })
}

/** What the cluster can do decides what some charts render; without one Helm's defaults do. */
async function capabilities(session: Session) {
  if (!session.client || session.away) return undefined
  return session.client.capabilities().catch((error: unknown) => {
    if (error instanceof UnreachableError && pulumi.runtime.isDryRun()) return undefined
    throw error
  })
}

function pathOfAsset(value: unknown): string {
  const path = (value as { path?: unknown }).path
  if (typeof path === 'string') return path
  throw new Error('valueYamlFiles: the offline provider takes FileAssets only')
}

function registerAll(
  parent: Chart,
  rows: readonly ChartObject[],
  secrets: readonly string[],
): pulumi.Resource[] {
  const made: pulumi.Resource[] = []
  for (const row of rows) {
    const dependsOn = row.after.flatMap((index) => made[index] ?? [])
    made.push(
      new ChartResource(
        tokenOf(keyOfObject(row.object)),
        row.name,
        propertiesOf(row.object, secrets),
        {
          parent,
          dependsOn,
          retainOnDelete: row.keep || undefined,
          version: OFFLINE_PROVIDER_VERSION,
        },
      ),
    )
  }
  return made
}

function propertiesOf(object: JsonObject, secrets: readonly string[]): pulumi.Inputs {
  const isSecretObject = object['apiVersion'] === 'v1' && object['kind'] === 'Secret'
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => {
      if (isSecretObject && (key === 'data' || key === 'stringData')) {
        return [key, pulumi.secret(value)]
      }
      return [key, withSecretOutputs(value, secrets)]
    }),
  )
}

/** Texts that hold a secret of the values become secrets themselves. */
function withSecretOutputs(value: Json, secrets: readonly string[]): pulumi.Input<unknown> {
  if (typeof value === 'string') {
    return secrets.some((text) => value.includes(text)) ? pulumi.secret(value) : value
  }
  if (Array.isArray(value)) return value.map((item) => withSecretOutputs(item, secrets))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, withSecretOutputs(item, secrets)]),
  )
}
