import * as pulumi from '@pulumi/pulumi'
import type providerMessages from '@pulumi/pulumi/proto/provider_pb.js'
import * as config from '@pulumi/pulumi/runtime/config.js'
import * as rpc from '@pulumi/pulumi/runtime/rpc.js'
import * as settings from '@pulumi/pulumi/runtime/settings.js'
import { Chart, CHART } from './chart.ts'
import { refusalOf } from './object-type.ts'
import { secretTexts } from './outputs.ts'
import { unwrapSecrets, type JsonObject } from './property-value.ts'
import {
  awaitFeatureSupport,
  deserializeInputs,
  waitForRPCs,
  withLocalStorage,
} from './sdk-internals.ts'
import type { Session } from './session.ts'

export interface Constructed {
  urn: string
  state: JsonObject
  dependencies: Map<string, string[]>
}

/**
 * Makes a component for the engine: its children are registered through the SDK's own classes, in
 * a state of their own, since several components may be made at once.
 */
export function construct(
  session: Session,
  engine: string,
  request: providerMessages.ConstructRequest,
  cwd: string,
): Promise<Constructed> {
  const type = request.getType()
  if (type !== CHART) {
    throw new Error(refusalOf(type) ?? `the offline Kubernetes provider has no component ${type}`)
  }
  return withLocalStorage(async () => {
    await configureRuntime(request, engine)
    const raw = request.getInputs()?.toJavaScript() ?? {}
    const { plain, secrets } = unwrapSecrets(raw)
    const dependencies = request.getInputdependenciesMap()
    const inputs = await deserializeInputs(request.getInputs(), dependencies)
    const texts = secretTexts(plain as JsonObject, secrets)
    const chart = new Chart(session, request.getName(), optionsOf(request))
    await chart.fill({ inputs, secrets: texts, cwd })
    const answer = await answerOf(chart, request)
    await waitForRPCs()
    return answer
  })
}

async function configureRuntime(
  request: providerMessages.ConstructRequest,
  engine: string,
): Promise<void> {
  settings.resetOptions(
    request.getProject(),
    request.getStack(),
    request.getParallel(),
    engine,
    request.getMonitorendpoint(),
    request.getDryrun(),
    request.getOrganization(),
  )
  await awaitFeatureSupport()
  config.setAllConfig(
    Object.fromEntries(request.getConfigMap().entries()),
    request.getConfigsecretkeysList(),
  )
}

function optionsOf(request: providerMessages.ConstructRequest): pulumi.ComponentResourceOptions {
  const at = (urn: string) => new pulumi.DependencyResource(urn)
  const parent = request.getParent()
  const deletedWith = request.getDeletedwith()
  return {
    aliases: request.getAliasesList().flatMap(aliasOf),
    dependsOn: request.getDependenciesList().map(at),
    protect: request.getProtect(),
    providers: Object.fromEntries(
      [...request.getProvidersMap().entries()].map(([name, reference]) => [
        name,
        new pulumi.DependencyProviderResource(reference),
      ]),
    ),
    parent: parent ? at(parent) : undefined,
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    customTimeouts: request.getCustomtimeouts()?.toObject(),
    retainOnDelete: request.getRetainondelete(),
    deletedWith: deletedWith ? at(deletedWith) : undefined,
  }
}

function aliasOf(
  alias: ReturnType<providerMessages.ConstructRequest['getAliasesList']>[number],
): (string | pulumi.Alias)[] {
  if (alias.hasUrn()) return [alias.getUrn()]
  const spec = alias.getSpec()
  if (!spec) return []
  const parent = spec.getNoparent()
    ? { parent: pulumi.rootStackResource }
    : spec.hasParenturn()
      ? { parent: spec.getParenturn() }
      : {}
  return [
    {
      ...(spec.getName() ? { name: spec.getName() } : {}),
      ...(spec.getProject() ? { project: spec.getProject() } : {}),
      ...(spec.getStack() ? { stack: spec.getStack() } : {}),
      ...parent,
    },
  ]
}

async function answerOf(
  chart: Chart,
  request: providerMessages.ConstructRequest,
): Promise<Constructed> {
  const promiseOf = <T>(output: pulumi.Output<T>) =>
    (output as unknown as { promise(): Promise<T> }).promise()
  const label = `construct(${request.getType()}, ${request.getName()})`
  const [state, found] = await rpc.serializeResourceProperties(label, {
    resources: chart.resources,
  })
  const dependencies = new Map<string, string[]>()
  for (const [key, resources] of found) {
    dependencies.set(key, await Promise.all([...resources].map((one) => promiseOf(one.urn))))
  }
  return { urn: await promiseOf(chart.urn), state: state as JsonObject, dependencies }
}
