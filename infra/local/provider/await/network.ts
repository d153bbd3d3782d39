import { isObject, listAt, stringAt, valueAt, type JsonObject } from '../property-value.ts'
import { READY, waiting, type Readiness } from './readiness.ts'

/**
 * Ready once traffic has somewhere to go: an endpoint is ready (unless the Service has no selector,
 * is headless or only a name), and a load balancer gave an address.
 */
export function judgeService(service: JsonObject, slices: readonly JsonObject[]): Readiness {
  const type = stringAt(service, 'spec', 'type') ?? 'ClusterIP'
  const selector = valueAt(service, 'spec', 'selector')
  const hasTargets =
    type === 'ExternalName' ||
    stringAt(service, 'spec', 'clusterIP') === 'None' ||
    !isObject(selector) ||
    Object.keys(selector).length === 0 ||
    slices.some(hasReadyEndpoint)
  if (!hasTargets) {
    return waiting('waiting for a ready pod to send traffic to', [
      'the Service does not target any ready pod: selected pods may not be ready, or spec.selector may match no labels',
    ])
  }
  if (type === 'LoadBalancer' && !hasAddress(service)) {
    return waiting('waiting for the load balancer to give an address', [
      'no address was given to the Service: does the cluster have a load balancer?',
    ])
  }
  return READY
}

function hasReadyEndpoint(slice: JsonObject): boolean {
  return listAt(slice, 'endpoints').some(
    (endpoint) =>
      valueAt(endpoint, 'conditions', 'ready') !== false &&
      listAt(endpoint, 'addresses').length > 0,
  )
}

const hasAddress = (object: JsonObject): boolean =>
  listAt(object, 'status', 'loadBalancer', 'ingress').length > 0

/** Ready once a controller gave it an address and the Services of its paths exist. */
export function judgeIngress(ingress: JsonObject, services: readonly JsonObject[]): Readiness {
  const known = new Set(services.map((service) => stringAt(service, 'metadata', 'name')))
  const missing = listAt(ingress, 'spec', 'rules')
    .flatMap((rule) => listAt(rule, 'http', 'paths'))
    .map((path) => stringAt(path, 'backend', 'service', 'name'))
    .filter((name): name is string => name !== undefined && !known.has(name))
  if (missing.length > 0) {
    return waiting(
      'waiting for the Services of its paths',
      missing.map((name) => `no Service "${name}" is there for a path of the Ingress`),
    )
  }
  if (!hasAddress(ingress)) {
    return waiting('waiting for an ingress controller to give an address', [
      'no address was given to the Ingress: does the cluster have an ingress controller for its class?',
    ])
  }
  return READY
}
