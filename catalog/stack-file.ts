import { z } from 'zod'
import { ModelIdSchema, Sha256Schema } from './base-model.ts'
import { GpuStackSchema } from './gpu-stack.ts'
import { NodePoolSchema } from './node-pool.ts'
import { CACHE_TYPE_IDS } from './cache-type.ts'
import { QuantitySchema } from './quantity.ts'
import { MOST_SYSTEM_PROMPTS } from './serving-config.ts'

export const KubernetesNameSchema = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    'a Kubernetes name: lower-case letters, digits and "-"',
  )
const HostSchema = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'a DNS host name')

export const JurisdictionSchema = z.strictObject({
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'an ISO 3166-1 country code, e.g. MY')
    .describe('ISO 3166-1 code of the country whose borders the service stays in'),
  regions: z.array(z.string().min(1)).default([]).describe('Regions of your provider inside it'),
  zones: z
    .array(z.string().min(1))
    .default([])
    .describe('Zones inside it; empty: those whose names begin with a region of it'),
})
export type Jurisdiction = z.infer<typeof JurisdictionSchema>

export const ClusterSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('local').describe('A whole Kubernetes on this machine (root on Linux)'),
    name: KubernetesNameSchema.max(20).default('default'),
  }),
  z.strictObject({
    kind: z
      .literal('existing')
      .describe('A cluster that is there; nothing but the named context is touched'),
    context: z.string().min(1).describe('Context of the kubeconfig'),
    kubeconfig: z
      .string()
      .min(1)
      .optional()
      .describe('Path; default: KUBECONFIG, then ~/.kube/config'),
  }),
])
export type Cluster = z.infer<typeof ClusterSchema>

export const AllowFromSchema = z.strictObject({
  namespaces: z.array(KubernetesNameSchema).default([]),
  cidrs: z.array(z.cidrv4()).default([]),
})

const allowFrom = AllowFromSchema.default({ namespaces: [], cidrs: [] })
const tlsSecret = KubernetesNameSchema.describe('Secret of type kubernetes.io/tls in the namespace')
export const ExposeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('clusterIP'), allowFrom }),
  z.strictObject({ kind: z.literal('loadBalancer'), host: HostSchema, tlsSecret, allowFrom }),
  z.strictObject({
    kind: z.literal('ingress'),
    host: HostSchema,
    tlsSecret,
    className: KubernetesNameSchema.optional(),
    allowFrom,
  }),
  z.strictObject({
    kind: z.literal('gatewayRoute'),
    host: HostSchema,
    tlsSecret,
    gateway: z
      .strictObject({ name: KubernetesNameSchema, namespace: KubernetesNameSchema.optional() })
      .optional()
      .describe('Gateway of the Gateway API; absent: one is made with the TLS secret'),
    className: KubernetesNameSchema.optional().describe(
      'GatewayClass of the Gateway that is made; needed without `gateway`',
    ),
    allowFrom,
  }),
])
export type Expose = z.infer<typeof ExposeSchema>

/** What the server reads of a key: the hash, never the key. */
export const KeySchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and "-"'),
  sha256: Sha256Schema.describe('SHA-256 of the API key'),
  tenant: z.string().min(1).max(63).optional().describe('Default: the name of the key'),
  role: z.enum(['user', 'admin']).default('user'),
  priority: z
    .enum(['high', 'normal', 'low'])
    .optional()
    .describe('Class of its requests while they wait, the higher served first; default: normal'),
})
export type Key = z.infer<typeof KeySchema>

export const ReplicasSchema = z.union([
  z.int().min(0).max(1000),
  z.strictObject({
    min: z.int().min(0).max(1000).describe('0: no pod while nobody asks'),
    max: z.int().min(1).max(1000),
    waiting: z
      .int()
      .min(0)
      .max(10_000)
      .default(4)
      .describe('Requests that may wait for each replica before one more is started'),
    idleSeconds: z
      .int()
      .min(5)
      .max(86_400)
      .default(300)
      .describe('For so long fewer replicas must have been enough before any is removed'),
  }),
])

const holdSeconds = z
  .int()
  .min(5)
  .max(3600)
  .default(300)
  .describe('A request for a model without a ready pod is held so long at the gateway')
/** Who sets the number of pods of models whose `replicas` have bounds. */
export const StackScalingSchema = z.discriminatedUnion('by', [
  z.strictObject({
    by: z.literal('gateway').describe('The gateway itself; needs nothing in the cluster'),
    holdSeconds,
    apiServer: z
      .strictObject({
        cidrs: z
          .array(z.cidrv4())
          .min(1)
          .default(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']),
        ports: z.array(z.int().min(1).max(65_535)).min(1).default([443, 6443]),
      })
      .prefault({})
      .describe(
        'Where the API server is, as `kubectl -n default get endpoints kubernetes` shows it: the gateway may reach it',
      ),
  }),
  z.strictObject({
    by: z.literal('keda').describe('KEDA, which is in the cluster and reads the gateway'),
    holdSeconds,
    namespace: KubernetesNameSchema.default('keda').describe('Namespace of the KEDA operator'),
  }),
])
export type StackScaling = z.infer<typeof StackScalingSchema>

/** A path that stays in its folder. */
const InnerPathSchema = z
  .string()
  .regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[A-Za-z0-9._/-]+$/, 'a relative path without ".."')

/** Of a file that the catalogue does not know. */
const statedFile = {
  bytes: z
    .int()
    .positive()
    .optional()
    .describe('Size of the file, where the catalogue lacks its SHA-256'),
  sha256: Sha256Schema.optional().describe('Of the file, where the catalogue lacks it'),
}

export const WeightsSchema = z.discriminatedUnion('from', [
  z.strictObject({
    from: z.literal('url'),
    url: z
      .url({ protocol: /^https$/ })
      .describe('https URL of the GGUF file; its digest is checked'),
    ...statedFile,
  }),
  z.strictObject({
    from: z.literal('pvc'),
    claim: KubernetesNameSchema.describe('A PersistentVolumeClaim in the namespace'),
    path: InnerPathSchema.describe('The GGUF file in it; its digest is checked'),
    ...statedFile,
  }),
])
export type Weights = z.infer<typeof WeightsSchema>

export const StateSchema = z.union([
  z.strictObject({ size: QuantitySchema.describe('Of a claim that is made') }),
  z.strictObject({
    claim: KubernetesNameSchema.describe('A PersistentVolumeClaim in the namespace, of its own'),
  }),
])

export const StackModelSchema = z.strictObject({
  id: ModelIdSchema.describe('Row of the catalogue'),
  quantization: z.string().optional().describe("Default: the row's first file"),
  pool: z
    .string()
    .optional()
    .describe(
      'Name in nodePools of the nodes that its replicas run on; required when there are any',
    ),
  replicas: ReplicasSchema.default(1).describe(
    'Pods: a number, or bounds between which they are scaled',
  ),
  contextSize: z
    .int()
    .min(64)
    .optional()
    .describe('Tokens a request may use; default: min(2048, the model)'),
  slots: z.int().min(1).max(64).default(4).describe('Requests decoded at once by a replica'),
  cacheType: z
    .enum(CACHE_TYPE_IDS)
    .default('f16')
    .describe(
      'Of keys and values: q8_0 takes about half the memory of f16, q4_0 a quarter and some quality',
    ),
  cpu: z.number().positive().max(256).default(2).describe('CPU limit of a replica, cores'),
  memory: z
    .string()
    .regex(/^[1-9][0-9]*(Mi|Gi)$/, 'a quantity such as 2Gi')
    .default('2Gi')
    .describe('Memory of a replica: at least its weights, prefixCache.memory and 512Mi'),
  maxQueued: z.int().min(0).max(10_000).default(64).describe('Requests that may wait for a slot'),
  firstTokenMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(30_000)
    .describe('A request whose first token would come later is refused (429), milliseconds'),
  interTokenMs: z
    .int()
    .min(10)
    .max(60_000)
    .default(100)
    .describe(
      'Prompts are read in pieces that aim to hold up running answers no longer, milliseconds',
    ),
  systemPrompts: z
    .array(InnerPathSchema)
    .max(MOST_SYSTEM_PROMPTS)
    .default([])
    .describe(
      'Files beside the stack file: system prompts that are kept evaluated for all tenants',
    ),
  state: StateSchema.optional().describe(
    'Volume that keeps evaluated system prompts when pods are replaced; default: kept with the pod',
  ),
  prefixCache: z
    .strictObject({ memory: QuantitySchema })
    .optional()
    .describe('Part of `memory` for prefixes whose slot was taken; default: slots alone'),
  weights: WeightsSchema.optional().describe(
    'Where the cluster gets the file; required for kind: existing',
  ),
})
export type StackModel = z.infer<typeof StackModelSchema>

export const ImageSchema = z
  .string()
  .regex(
    /^[a-z0-9.-]+(:[0-9]+)?\/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$/,
    'an image by digest: registry/name@sha256:<64 hex>',
  )

/** `Pulumi.<stack>.yaml`, the keys of namespace `serantau`. */
export const StackFileSchema = z.strictObject({
  jurisdiction: JurisdictionSchema,
  cluster: ClusterSchema.default({ kind: 'local', name: 'default' }).describe('Where it runs'),
  provider: z
    .enum(['official', 'offline'])
    .optional()
    .describe(
      'Kubernetes provider; default: official, and offline for the local cluster when official is absent',
    ),
  namespace: KubernetesNameSchema.default('serantau').describe('Namespace of everything'),
  nodePools: z
    .array(NodePoolSchema)
    .default([])
    .describe(
      'Nodes for models, inside the jurisdiction; none: the cluster places pods where it wants',
    ),
  gpuStack: GpuStackSchema.default({ kind: 'there' }).describe(
    'What makes the cards of nodes visible to Kubernetes',
  ),
  priorityClass: z
    .string()
    .optional()
    .describe(
      'PriorityClass of all pods, which is there; default: one is made when there are nodePools',
    ),
  createNamespace: z
    .boolean()
    .default(true)
    .describe('false: the namespace is there already, with what your cluster puts into it'),
  models: z.array(StackModelSchema).min(1).describe('Base models behind the endpoint'),
  acceptedLicences: z.array(z.string()).default([]).describe('Ids of licences accepted by name'),
  expose: ExposeSchema.default({ kind: 'clusterIP', allowFrom: { namespaces: [], cidrs: [] } }),
  keys: z.array(KeySchema).default([]).describe('Who may ask; only hashes'),
  gatewayReplicas: z.int().min(1).max(100).default(1).describe('Pods of the gateway'),
  scaling: StackScalingSchema.prefault({ by: 'gateway' }).describe(
    'Who scales the models whose replicas have bounds { min, max }',
  ),
  image: ImageSchema.optional().describe('Server image; required for kind: existing'),
  acceleratorImages: z
    .strictObject({ cuda: ImageSchema.optional(), vulkan: ImageSchema.optional() })
    .default({})
    .describe('Server images with the engine for the accelerators of nodePools'),
  imagePullSecrets: z
    .array(KubernetesNameSchema)
    .default([])
    .describe('Secrets of the namespace with which the nodes pull the image'),
  storageClass: KubernetesNameSchema.optional().describe(
    "Of the weights volumes; default: the cluster's",
  ),
  proxy: z
    .strictObject({ https: z.url(), noProxy: z.array(z.string()).default([]) })
    .optional()
    .describe('Proxy of the weights download'),
  caBundle: z
    .string()
    .optional()
    .describe('PEM file (path from the project folder) of extra CAs for the weights download'),
})
export type StackFile = z.infer<typeof StackFileSchema>
