import type { Problem } from './errors.ts'
import { chartKind, MIG_STRATEGY, type ChartedGpuStack } from './gpu-stack.ts'
import { formatPath } from './parse-stack-file.ts'
import type { StackFile } from './stack-file.ts'

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
