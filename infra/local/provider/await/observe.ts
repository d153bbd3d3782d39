import type { ApiClient } from '../api-client.ts'
import { annotation, isAnnotated, typeOf, type ObjectType } from '../object-type.ts'
import { isObject, stringAt, valueAt, type JsonObject } from '../property-value.ts'
import { judgeDeployment } from './deployment.ts'
import { judgeIngress, judgeService } from './network.ts'
import { judgePod } from './pod.ts'
import { conditionOf, isTrue, READY, waiting, type Readiness } from './readiness.ts'
import { judgeClaim, judgeVolume } from './storage.ts'
import { judgeWaitFor } from './wait-for.ts'
import { judgeDaemonSet, judgeJob, judgeStatefulSet } from './workload.ts'

type Observer = (object: JsonObject, client: ApiClient) => Promise<Readiness>

const POD = typeOf('v1', 'Pod')

/** Kinds that are waited for; all others are ready as soon as the server took them. */
const OBSERVERS: Readonly<Record<string, Observer>> = {
  '/Pod': async (object) => judgePod(object),
  '/PersistentVolume': async (object) => judgeVolume(object),
  '/PersistentVolumeClaim': async (object, client) =>
    judgeClaim(object, await storageClassOf(object, client)),
  '/Service': async (object, client) => {
    const name = stringAt(object, 'metadata', 'name') ?? ''
    const selector = `kubernetes.io/service-name=${name}`
    const slices = typeOf('discovery.k8s.io/v1', 'EndpointSlice')
    return judgeService(object, await client.list(slices, namespaceOf(object), selector))
  },
  'apps/Deployment': async (object, client) => {
    const selector = selectorOf(object)
    const namespace = namespaceOf(object)
    const sets = await client.list(typeOf('apps/v1', 'ReplicaSet'), namespace, selector)
    return judgeDeployment(object, sets, await client.list(POD, namespace, selector))
  },
  'apps/StatefulSet': async (object, client) =>
    judgeStatefulSet(object, await podsOf(object, client)),
  'apps/DaemonSet': async (object, client) => judgeDaemonSet(object, await podsOf(object, client)),
  'batch/Job': async (object, client) => judgeJob(object, await podsOf(object, client)),
  'networking.k8s.io/Ingress': async (object, client) =>
    judgeIngress(object, await client.list(typeOf('v1', 'Service'), namespaceOf(object))),
  'apiextensions.k8s.io/CustomResourceDefinition': async (object) =>
    isTrue(conditionOf(object, 'Established')) ? READY : waiting('waiting to be established'),
}

/** How far the object is by the rule of its kind, or by its own `pulumi.com/waitFor`. */
export async function observe(object: JsonObject, client: ApiClient): Promise<Readiness> {
  const wish = annotation(object, 'pulumi.com/waitFor')
  if (wish !== undefined) return judgeWaitFor(wish, object)
  const observer = observerOf(
    typeOf(stringAt(object, 'apiVersion') ?? '', stringAt(object, 'kind') ?? ''),
  )
  return observer ? observer(object, client) : READY
}

const observerOf = (type: ObjectType): Observer | undefined =>
  OBSERVERS[`${type.group}/${type.kind}`]

export const isWaitedFor = (object: JsonObject): boolean =>
  !isAnnotated(object, 'pulumi.com/skipAwait')

const namespaceOf = (object: JsonObject) => stringAt(object, 'metadata', 'namespace')

function selectorOf(object: JsonObject): string {
  const labels = valueAt(object, 'spec', 'selector', 'matchLabels')
  if (!isObject(labels)) return ''
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${JSON.stringify(value).replaceAll('"', '')}`)
    .join(',')
}

const podsOf = (object: JsonObject, client: ApiClient): Promise<JsonObject[]> =>
  client.list(POD, namespaceOf(object), selectorOf(object))

async function storageClassOf(
  claim: JsonObject,
  client: ApiClient,
): Promise<JsonObject | undefined> {
  const name = stringAt(claim, 'spec', 'storageClassName')
  if (!name) return undefined
  return client.get({ ...typeOf('storage.k8s.io/v1', 'StorageClass'), name })
}
