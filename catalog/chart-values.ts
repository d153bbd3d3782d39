import { z } from 'zod'
import { QuantitySchema } from './quantity.ts'
import { GatewayConfigSchema, ModelConfigSchema } from './serving-config.ts'
import { ExposeSchema, ImageSchema, KubernetesNameSchema } from './stack-file.ts'

/**
 * Values of our two charts: what infra writes and a plain `helm install` may write. No secret is
 * one of them. Regular expressions stay within RE2, which Helm checks them with.
 */

const CpuSchema = z.union([
  z.number().positive().max(256),
  z.string().regex(/^[1-9][0-9]*m$/, 'millicores such as 500m'),
])
/** Free-form Kubernetes objects that the API server checks itself. */
const KubernetesObjectSchema = z.record(z.string(), z.unknown())

const ResourcesSchema = z.strictObject({
  cpu: CpuSchema.describe('CPU limit, cores; threads follow from it'),
  cpuRequest: CpuSchema.optional().describe('CPU request; default: the limit'),
  memory: QuantitySchema.describe('Memory request and limit'),
  accelerator: z
    .strictObject({
      resource: z
        .string()
        .regex(/^[a-z0-9.-]+\/[A-Za-z0-9._-]+$/, 'an extended resource such as nvidia.com/gpu')
        .optional(),
      deviceClass: z
        .string()
        .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'a DeviceClass such as gpu.nvidia.com')
        .optional()
        .describe(
          'Instead of resource: a ResourceClaim of a replica asks for it (Kubernetes 1.34)',
        ),
      count: z.int().min(1).max(16),
    })
    .optional()
    .describe('Extended resource or devices that a replica asks for'),
})

const PodSecurityContextSchema = z.strictObject({
  runAsUser: z.int().min(1).nullish().describe('Default: the user of the image (65532)'),
  runAsGroup: z.int().min(1).nullish(),
  fsGroup: z.int().min(1).nullish().describe('Group that owns new volumes'),
  fsGroupChangePolicy: z.enum(['OnRootMismatch', 'Always']).nullish(),
  supplementalGroups: z.array(z.int().min(1)).optional(),
})

const ToleratingSchema = {
  nodeSelector: z.record(z.string(), z.string()).optional(),
  tolerations: z.array(KubernetesObjectSchema).optional(),
  affinity: KubernetesObjectSchema.optional(),
  topologySpreadConstraints: z
    .array(KubernetesObjectSchema)
    .optional()
    .describe('Default: replicas spread over nodes where they can'),
  priorityClassName: z.string().optional(),
  runtimeClassName: z.string().optional().describe('e.g. nvidia, kata'),
}

const CommonSchema = {
  fullnameOverride: KubernetesNameSchema.optional().describe('Name of every object'),
  image: ImageSchema.describe('Server image by digest: registry/name@sha256:<64 hex>'),
  imagePullSecrets: z.array(KubernetesNameSchema).optional(),
  keys: z
    .strictObject({
      existingSecret: KubernetesNameSchema.describe(
        'Secret with the key keys.json: hashes of API keys, re-read when it changes',
      ),
    })
    .describe('API keys; only their hashes ever reach the cluster'),
  replicas: z
    .int()
    .min(0)
    .max(1000)
    .nullable()
    .optional()
    .describe('null leaves the field to an autoscaler'),
  surge: z
    .enum(['auto', 'always', 'never'])
    .optional()
    .describe('One pod more while updating; auto: unless a pod asks for an accelerator'),
  resources: ResourcesSchema,
  podSecurityContext: PodSecurityContextSchema.optional().describe(
    'Beyond non-root and seccomp, which are always on',
  ),
  podAnnotations: z.record(z.string(), z.string()).optional(),
  podLabels: z.record(z.string(), z.string()).optional(),
  ...ToleratingSchema,
  tmpSize: QuantitySchema.optional().describe('Limit of /tmp, which is in memory'),
  startupSeconds: z
    .int()
    .min(10)
    .max(7200)
    .optional()
    .describe('A pod that is not ready by then is started again'),
  preStopSeconds: z
    .int()
    .min(1)
    .max(600)
    .optional()
    .describe('Time for load balancers to stop sending before the drain begins'),
  terminationGracePeriodSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe(
      'At least preStopSeconds + config.limits.maxStreamMs / 1000 (twice that for the gateway) + 5',
    ),
  metrics: z
    .strictObject({
      allowFrom: z.strictObject({ namespaces: z.array(KubernetesNameSchema) }),
    })
    .optional()
    .describe('Namespaces that may scrape port 9090'),
  helmTest: z.boolean().optional().describe('Pod and policy of `helm test`'),
}

/** Who scales is `config.scaling.by`; the rest of it the server need not know. */
const ScalingValuesSchema = z.strictObject({
  apiServer: z
    .strictObject({
      cidrs: z.array(z.cidrv4()).min(1),
      ports: z.array(z.int().min(1).max(65_535)).min(1),
    })
    .optional()
    .describe('Where the API server is: the gateway may reach it when it scales itself'),
  kedaNamespace: KubernetesNameSchema.optional().describe(
    'Namespace of the KEDA operator, which may read the demand on port 9090',
  ),
})

export const GatewayValuesSchema = z.strictObject({
  ...CommonSchema,
  config: GatewayConfigSchema.omit({ tls: true }).describe(
    'serving.json, catalog/serving-config.ts; `tls` follows from `expose`',
  ),
  expose: ExposeSchema.describe('How clients reach the gateway, and who may'),
  exposeAnnotations: z
    .record(z.string(), z.string())
    .optional()
    .describe('Of the Service (clusterIP, loadBalancer), the Ingress or the HTTPRoute'),
  scaling: ScalingValuesSchema.optional().describe('Of models with config.models[].scaling'),
  service: z
    .strictObject({ clusterIP: z.ipv4().nullish().describe('Fixed cluster address') })
    .optional(),
})
export type GatewayValues = z.input<typeof GatewayValuesSchema>

/** A path that stays in the volume: no leading slash; `..` is refused by requirements.yaml. */
const VolumePathSchema = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._/-]*$/, 'a relative path')

export const ModelServerValuesSchema = z.strictObject({
  ...CommonSchema,
  config: ModelConfigSchema.omit({ state: true, prefixCache: true }).describe(
    'serving.json, catalog/serving-config.ts; `state` and `prefixCache` follow from those below',
  ),
  maxReplicas: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('Most pods that an autoscaler makes where `replicas` is null; default: several'),
  weights: z
    .strictObject({
      bytes: z
        .int()
        .positive()
        .describe('Size of the GGUF file; its SHA-256 is config.model.digest'),
      url: z
        .string()
        .regex(/^https:\/\/[^\s]+$/, 'an https URL')
        .nullish()
        .describe('Where the init container fetches the file from when the volume lacks it'),
      path: VolumePathSchema.nullish().describe(
        'File in the existing claim that is checked and served as it is',
      ),
      existingClaim: KubernetesNameSchema.nullish().describe(
        'PersistentVolumeClaim; absent: the chart makes one, kept when the release is removed',
      ),
      storageClass: KubernetesNameSchema.nullish(),
      size: QuantitySchema.optional().describe('Of the claim that the chart makes'),
      accessMode: z.enum(['ReadWriteOnce', 'ReadWriteMany']).optional(),
      proxy: z
        .strictObject({
          https: z
            .string()
            .regex(/^https?:\/\/[^\s/@]+\/?$/, 'a URL such as http://proxy.example:3128'),
          noProxy: z.array(z.string()).optional(),
        })
        .nullish(),
      caBundle: z
        .strictObject({ configMap: KubernetesNameSchema, key: z.string().min(1) })
        .nullish()
        .describe('ConfigMap with extra CAs (PEM) for the download'),
    })
    .describe('The file that is served'),
  state: z
    .strictObject({
      existingClaim: KubernetesNameSchema.nullish().describe(
        'PersistentVolumeClaim of this release alone, that a pod may write to',
      ),
      size: QuantitySchema.nullish().describe('Of a claim that the chart makes'),
      storageClass: KubernetesNameSchema.nullish(),
      accessMode: z.enum(['ReadWriteOnce', 'ReadWriteMany']).optional(),
      none: z.boolean().optional().describe('true: no volume; nothing outlives the container'),
    })
    .optional()
    .describe(
      'Volume for the states of config.model.systemPrompts and for what was measured of this host; ' +
        'neither claim nor size: an emptyDir, which lives as long as the pod',
    ),
  prefixCache: z
    .strictObject({
      memory: QuantitySchema.nullish().describe(
        'Memory for prefixes whose slot another request took; part of resources.memory. Absent: slots alone keep prefixes',
      ),
    })
    .optional(),
})
export type ModelServerValues = z.input<typeof ModelServerValuesSchema>
