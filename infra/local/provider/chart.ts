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

export interface ConstructInputs {
  inputs: Record<string, unknown>
  /** Texts of the inputs that are secret. */
  secrets: string[]
  cwd: string
}

/** An object of any kind: the token says which. */
class ChartResource extends pulumi.CustomResource {}

/** `helm.v4.Chart`: renders the chart and registers each object as a resource below it. */
export class Chart extends pulumi.ComponentResource {
  readonly resources: pulumi.Output<pulumi.Resource[]>

  constructor(
    session: Session,
    name: string,
    request: ConstructInputs,
    options: pulumi.ComponentResourceOptions,
  ) {
    super(CHART, name, {}, options)
    const unsupported = Object.keys(request.inputs).filter((key) => !SUPPORTED.has(key))
    if (unsupported.length > 0) {
      throw new Error(
        `helm.v4.Chart "${name}": the offline provider does not support ${unsupported.join(', ')}: remove it, or use the official provider`,
      )
    }
    const registered = pulumi
      .unsecret(pulumi.output(request.inputs as unknown as ChartArgs))
      .apply(async (args) => {
        const rendered = await render(session, name, args, request)
        return registerAll(this, rendered, request.secrets)
      })
    this.resources = registered
    this.registerOutputs({ resources: registered })
  }

  /** Resolves once every object is registered; false: an input is unknown in this preview. */
  async settled(): Promise<boolean> {
    const hidden = this.resources as unknown as {
      isKnown: Promise<boolean>
      promise(): Promise<unknown>
    }
    await hidden.promise()
    return hidden.isKnown
  }
}

async function render(
  session: Session,
  name: string,
  args: ChartArgs,
  request: ConstructInputs,
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
