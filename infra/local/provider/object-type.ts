import { isObject, stringAt, type JsonObject } from './property-value.ts'

/** What a resource is, as Kubernetes names it. */
export interface ObjectType {
  apiVersion: string
  group: string
  kind: string
}

export interface ObjectKey extends ObjectType {
  name: string
  /** Absent for kinds of the whole cluster. */
  namespace?: string
}

const HINT = 'install the official Pulumi Kubernetes provider for it'

/** Tokens that are no Kubernetes objects, and why this provider does not have them. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^kubernetes:helm\.sh\/v3:Release$/, `helm.sh/v3 Release needs Helm's own machinery; ${HINT}`],
  [/^kubernetes:helm\.sh\/v[23]:Chart$/, `only helm.sh/v4 Chart is supported; ${HINT}`],
  [
    /^kubernetes:(yaml|kustomize)(\/|:)/,
    `YAML files and kustomizations are not supported; ${HINT}`,
  ],
  [/Patch$/, `Patch resources are not supported; ${HINT}`],
  [/:[A-Za-z]+List$/, 'a List is no object that can be managed: declare its items one by one'],
]

/** Why the provider cannot manage this type token, or undefined. */
export function refusalOf(token: string): string | undefined {
  const row = REFUSED.find(([pattern]) => pattern.test(token))
  return row && `the offline Kubernetes provider does not manage ${token}: ${row[1]}`
}

/** `kubernetes:core/v1:Pod` -> v1 Pod; `kubernetes:apps/v1:Deployment` -> apps/v1 Deployment. */
export function typeOfToken(token: string): ObjectType {
  const [, moduleName = '', kind = ''] = token.split(':')
  return typeOf(moduleName.replace(/^core\//, ''), kind)
}

export function typeOf(apiVersion: string, kind: string): ObjectType {
  const slash = apiVersion.indexOf('/')
  return { apiVersion, kind, group: slash < 0 ? '' : apiVersion.slice(0, slash) }
}

/** The token under which a rendered object is registered with the engine. */
export function tokenOf({ apiVersion, kind }: ObjectType): string {
  return `kubernetes:${apiVersion.includes('/') ? apiVersion : `core/${apiVersion}`}:${kind}`
}

/** `pulumi:pulumi:Stack$kubernetes:core/v1:Pod` -> `kubernetes:core/v1:Pod` */
export function tokenOfUrn(urn: string): string {
  const qualified = urn.split('::')[2] ?? ''
  return qualified.split('$').at(-1) ?? ''
}

export const nameOfUrn = (urn: string): string => urn.split('::').slice(3).join('::')

/** Id of an object in Pulumi's state: `namespace/name`, or `name` for kinds of the whole cluster. */
export function idOf(object: JsonObject): string {
  const namespace = stringAt(object, 'metadata', 'namespace')
  const name = stringAt(object, 'metadata', 'name') ?? ''
  return namespace ? `${namespace}/${name}` : name
}

export function keyOfId(type: ObjectType, id: string): ObjectKey {
  const slash = id.indexOf('/')
  if (slash < 0) return { ...type, name: id }
  return { ...type, namespace: id.slice(0, slash), name: id.slice(slash + 1) }
}

export function keyOfObject(object: JsonObject): ObjectKey {
  const type = typeOf(stringAt(object, 'apiVersion') ?? '', stringAt(object, 'kind') ?? '')
  return keyOfId(type, idOf(object))
}

export const describeKey = (key: ObjectKey): string =>
  `${key.kind} ${key.namespace ? `${key.namespace}/` : ''}${key.name}`

export function annotation(object: JsonObject, name: string): string | undefined {
  const annotations = isObject(object['metadata']) ? object['metadata']['annotations'] : undefined
  return isObject(annotations) ? stringAt(annotations, name) : undefined
}

export const isAnnotated = (object: JsonObject, name: string): boolean =>
  annotation(object, name)?.toLowerCase() === 'true'

/** Kinds of the whole cluster that are known without asking a cluster. */
const CLUSTER_KINDS = new Set([
  '/Namespace',
  '/Node',
  '/PersistentVolume',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
  'apiextensions.k8s.io/CustomResourceDefinition',
  'apiregistration.k8s.io/APIService',
  'gateway.networking.k8s.io/GatewayClass',
  'karpenter.sh/NodePool',
  'karpenter.sh/NodeClaim',
  'networking.k8s.io/IngressClass',
  'node.k8s.io/RuntimeClass',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
  'scheduling.k8s.io/PriorityClass',
  'storage.k8s.io/CSIDriver',
  'storage.k8s.io/StorageClass',
])
const NAMESPACED_GROUPS = new Set(['', 'apps', 'batch', 'policy', 'autoscaling'])
const NAMESPACED_KINDS = new Set([
  'coordination.k8s.io/Lease',
  'gateway.networking.k8s.io/Gateway',
  'gateway.networking.k8s.io/HTTPRoute',
  'keda.sh/ScaledObject',
  'networking.k8s.io/Ingress',
  'networking.k8s.io/NetworkPolicy',
  'rbac.authorization.k8s.io/Role',
  'rbac.authorization.k8s.io/RoleBinding',
])

/** Whether objects of the type stand in a namespace; undefined: only the cluster can say. */
export function isNamespaced(type: ObjectType): boolean | undefined {
  const id = `${type.group}/${type.kind}`
  if (CLUSTER_KINDS.has(id)) return false
  if (NAMESPACED_GROUPS.has(type.group) || NAMESPACED_KINDS.has(id)) return true
  return undefined
}
