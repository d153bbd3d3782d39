import { z } from 'zod'

const chart = {
  chart: z
    .string()
    .min(1)
    .describe(
      'oci://..., a path from the project folder (./... or /...), or a name in `repository`',
    ),
  repository: z
    .url({ protocol: /^https$/ })
    .optional()
    .describe('https URL of the chart repository of a name'),
  version: z
    .string()
    .regex(/^v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$/, 'an exact version such as v25.10.1')
    .describe('Of the chart, exact'),
  values: z
    .record(z.string(), z.json())
    .default({})
    .describe("Of the chart: images of your mirror, driver, tolerations; they win over the kit's"),
}
const namespace = (of: string) =>
  z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a Kubernetes name')
    .default(of)
    .describe('Made when it is not there')

/** What makes the cards of nodes visible to Kubernetes. */
export const GpuStackSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('there').describe('The cluster has it already') }),
  z.strictObject({
    kind: z.literal('gpu-operator').describe("NVIDIA's GPU Operator, by its Helm chart"),
    namespace: namespace('gpu-operator'),
    ...chart,
  }),
  z.strictObject({
    kind: z.literal('device-plugin').describe("NVIDIA's device plugin alone, by its Helm chart"),
    namespace: namespace('nvidia-device-plugin'),
    ...chart,
  }),
])
export type GpuStack = z.infer<typeof GpuStackSchema>
export type ChartedGpuStack = Exclude<GpuStack, { kind: 'there' }>

/** How a chart is found. */
export const chartKind = (name: string): 'oci' | 'path' | 'name' =>
  name.startsWith('oci://') ? 'oci' : /^\.{0,2}\//.test(name) ? 'path' : 'name'

/** A slice is a resource of its own with this strategy alone. */
export const MIG_STRATEGY = 'mixed'
