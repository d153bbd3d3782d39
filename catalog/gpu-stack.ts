import { z } from 'zod'
import type { Problem } from './errors.ts'
import { formatPath } from './parse-stack-file.ts'
import type { StackFile } from './stack-file.ts'

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

const at = (...path: string[]) => formatPath(['gpuStack', ...path])

/** Every rule of the GPU stack that is broken. Pure. */
export function gpuStackProblems(
  stack: Pick<StackFile, 'gpuStack' | 'cluster' | 'provider' | 'nodePools'>,
): Problem[] {
  const { gpuStack } = stack
  if (gpuStack.kind === 'there') return []
  return [...releaseProblems(stack), ...chartProblems(gpuStack), ...sliceProblems(stack, gpuStack)]
}

function releaseProblems({ cluster, provider }: Pick<StackFile, 'cluster' | 'provider'>) {
  const offline = provider === 'offline'
  if (cluster.kind === 'existing' && !offline) return []
  return [
    {
      path: at('kind'),
      expected: offline
        ? '"there": the offline provider has no Helm releases'
        : '"there": the embedded cluster gets no GPU stack',
      got: 'another kind',
      fix: offline
        ? 'install the chart by hand and remove gpuStack, or remove serantau:provider'
        : 'remove gpuStack, or deploy to a cluster of kind existing',
    },
  ]
}

function chartProblems({ chart, repository }: ChartedGpuStack): Problem[] {
  const isName = chartKind(chart) === 'name'
  if (isName === (repository !== undefined)) return []
  return [
    {
      path: at('repository'),
      expected: isName
        ? 'the https URL of the repository that has the chart: the kit downloads from no place of its own'
        : 'nothing: the chart says by itself where it lies',
      got: isName ? 'nothing' : JSON.stringify(repository),
      fix: isName ? 'set it, or write the chart as oci://... or ./path' : 'remove it',
    },
  ]
}

/** A slice is a resource of its own with this strategy alone. */
export const MIG_STRATEGY = 'mixed'

function sliceProblems(
  { nodePools }: Pick<StackFile, 'nodePools'>,
  { kind, values }: ChartedGpuStack,
): Problem[] {
  const sliced = nodePools.find(({ slice }) => slice !== undefined)
  const path = kind === 'gpu-operator' ? ['mig', 'strategy'] : ['migStrategy']
  const told = path.reduce<unknown>(
    (value, key) => (value as Record<string, unknown> | undefined)?.[key],
    values,
  )
  if (sliced === undefined || told === undefined || told === MIG_STRATEGY) return []
  return [
    {
      path: at('values', ...path),
      expected: `"${MIG_STRATEGY}": pods of pool "${sliced.name}" ask for the slice ${sliced.slice}`,
      got: JSON.stringify(told),
      fix: 'remove it: the kit sets it',
    },
  ]
}
