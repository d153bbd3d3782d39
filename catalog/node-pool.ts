import { z } from 'zod'
import { ACCELERATOR_IDS } from './accelerator.ts'

const NameSchema = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/, 'lower-case letters, digits and "-", at most 40')
const LabelsSchema = z.record(z.string(), z.string())
/** A Kubernetes duration of whole hours, minutes or seconds. */
const DurationSchema = z.string().regex(/^[1-9][0-9]*(h|m|s)$/, 'a duration such as 720h or 5m')

const RefSchema = z.strictObject({
  group: z.string().min(1).describe('API group, e.g. karpenter.k8s.aws'),
  kind: z.string().min(1).describe('e.g. EC2NodeClass'),
  name: z.string().min(1),
})

const common = {
  name: NameSchema.describe('Models name it as their `pool`'),
  accelerator: z.enum(ACCELERATOR_IDS).describe('Row of docs/reference/accelerators.md'),
  cards: z
    .union([z.literal(1), z.literal(2), z.literal(4), z.literal(8)])
    .default(1)
    .describe('Accelerators of a node'),
  slice: z
    .string()
    .optional()
    .describe('Part of a card that its pods ask for (MIG), e.g. 1g.10gb; absent: whole cards'),
  dra: z
    .boolean()
    .default(false)
    .describe('true: pods ask by a ResourceClaim of the DeviceClass of the card (Kubernetes 1.34)'),
  runtimeClass: z
    .string()
    .min(1)
    .optional()
    .describe(
      "RuntimeClass of its pods, e.g. nvidia; absent: the nodes' own runtime is set up for the card",
    ),
  zones: z
    .array(z.string().min(1))
    .default([])
    .describe('Zones of the jurisdiction that its nodes lie in; empty: all of its zones'),
}
const max = z.int().min(1).max(10_000).describe('Nodes at most')
const bounds = {
  min: z.int().min(0).max(10_000).default(0).describe('Nodes that are always there'),
  max,
}

export const ExistingPoolSchema = z.strictObject({
  ...common,
  provisioner: z.literal('existing').describe('Nodes that are there; nothing is changed'),
  nodeLabels: LabelsSchema.default({}).describe('Labels of them beside that of the jurisdiction'),
})
export type ExistingPool = z.infer<typeof ExistingPoolSchema>

export const KarpenterPoolSchema = z.strictObject({
  ...common,
  min: z
    .literal(0)
    .default(0)
    .describe('Karpenter makes a node for pods that wait: what is always there is replicas'),
  max,
  nodeCpus: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe('CPUs of a node; needed for accelerator cpu, whose limit is counted in them'),
  provisioner: z.literal('karpenter').describe('A NodePool of a Karpenter that is there'),
  nodeClassRef: RefSchema.describe("The cloud's node class, which your people keep"),
  capacityTypes: z
    .array(z.enum(['on-demand', 'reserved', 'spot']))
    .min(1)
    .default(['on-demand'])
    .describe('Spot nodes are taken back within minutes, with the answers on them'),
  instanceTypes: z
    .array(z.string().min(1))
    .default([])
    .describe('Of the cloud; empty: any that has the accelerator'),
  consolidateAfter: DurationSchema.default('10m').describe(
    'A node without work goes so long after',
  ),
  expireAfter: DurationSchema.default('720h').describe(
    'A node is replaced so long after its start',
  ),
  disruptedAtOnce: z
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe('Nodes that may be replaced at once'),
})
export type KarpenterPool = z.infer<typeof KarpenterPoolSchema>

export const ClusterApiPoolSchema = z.strictObject({
  ...common,
  ...bounds,
  provisioner: z.literal('cluster-api').describe('A MachineDeployment for each zone'),
  cluster: z.string().min(1).describe('Name of the Cluster object'),
  clusterNamespace: z.string().min(1).default('default').describe('Where it lies'),
  version: z
    .string()
    .regex(/^v\d+\.\d+\.\d+$/, 'a Kubernetes version such as v1.34.4')
    .describe('Of the kubelets'),
  infrastructureRef: RefSchema.describe('Template of machines: OpenStack, vSphere, Metal3, ...'),
  bootstrapRef: RefSchema.describe(
    'Template of bootstrap configurations, e.g. KubeadmConfigTemplate',
  ),
  machineTaints: z
    .boolean()
    .default(false)
    .describe(
      'true: Cluster API taints its nodes (feature gate MachineTaintPropagation); false: the bootstrap template does',
    ),
  unhealthyAfter: DurationSchema.default('10m').describe(
    'A machine whose node is lost is replaced then',
  ),
})
export type ClusterApiPool = z.infer<typeof ClusterApiPoolSchema>

const managed = {
  ...common,
  ...bounds,
  cluster: z.string().min(1).describe('Name of the cluster, which is there'),
  region: z.string().min(1).describe('Of the cluster; one of jurisdiction.regions'),
  instanceType: z.string().min(1).describe('Of the cloud, with `cards` accelerators'),
  diskGiB: z.int().min(20).max(16_384).default(200).describe('Of a node: images and weights'),
}

const driver = z
  .enum(['cloud', 'own'])
  .default('cloud')
  .describe("Who installs the card's driver; own: a GPU Operator")

export const EksPoolSchema = z.strictObject({
  ...managed,
  provisioner: z.literal('eks').describe('A managed node group of Amazon EKS; needs @pulumi/aws'),
  nodeRoleArn: z.string().min(1).describe('IAM role of the nodes'),
  subnets: z
    .record(z.string().min(1), z.string().min(1))
    .refine((subnets) => Object.keys(subnets).length > 0, 'at least one zone with its subnet')
    .describe('Subnet id by zone, e.g. { ap-southeast-5a: subnet-0123 }; each is checked'),
  amiType: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Image of the nodes, as Amazon calls it; default: AL2023 with NVIDIA's driver, or plain",
    ),
  capacityType: z.enum(['on-demand', 'spot']).default('on-demand'),
})
export type EksPool = z.infer<typeof EksPoolSchema>

export const GkePoolSchema = z.strictObject({
  ...managed,
  provisioner: z.literal('gke').describe('A node pool of Google GKE; needs @pulumi/gcp'),
  name: z
    .string()
    .regex(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/, 'a letter first, as GKE has it; at most 40')
    .describe('Models name it as their `pool`'),
  project: z.string().min(1).describe('Project of the cluster'),
  location: z.string().min(1).optional().describe('Zone of a zonal cluster; default: region'),
  acceleratorType: z
    .string()
    .min(1)
    .optional()
    .describe('As Google calls it, e.g. nvidia-l4; absent: the instance type has it'),
  driver,
  serviceAccount: z
    .string()
    .min(1)
    .optional()
    .describe("Email of the nodes' service account; default: Compute Engine's own"),
  spot: z.boolean().default(false),
})
export type GkePool = z.infer<typeof GkePoolSchema>

export const AksPoolSchema = z.strictObject({
  ...managed,
  provisioner: z.literal('aks').describe('An agent pool of Azure AKS; needs @pulumi/azure-native'),
  name: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,11}$/, 'at most 12 lower-case letters and digits, as AKS has it')
    .describe('Models name it as their `pool`'),
  subscription: z.string().min(1).optional().describe("Id; default: the login's"),
  resourceGroup: z.string().min(1).describe('Of the cluster'),
  driver,
  spot: z.boolean().default(false),
})
export type AksPool = z.infer<typeof AksPoolSchema>

export const NodePoolSchema = z.discriminatedUnion('provisioner', [
  ExistingPoolSchema,
  KarpenterPoolSchema,
  ClusterApiPoolSchema,
  EksPoolSchema,
  GkePoolSchema,
  AksPoolSchema,
])
export type NodePool = z.infer<typeof NodePoolSchema>
export type ProvisionerKind = NodePool['provisioner']
/** Pools whose nodes a cloud's own service makes. */
export type CloudPool = EksPool | GkePool | AksPool

export const isCloudPool = (pool: NodePool): pool is CloudPool =>
  pool.provisioner === 'eks' || pool.provisioner === 'gke' || pool.provisioner === 'aks'
