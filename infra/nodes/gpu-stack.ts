import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import * as k8s from '@pulumi/kubernetes'
import type * as pulumi from '@pulumi/pulumi'
import { KitError } from '../../catalog/errors.ts'
import { chartKind, MIG_STRATEGY, type ChartedGpuStack } from '../../catalog/gpu-stack.ts'
import type { NodePool } from '../../catalog/node-pool.ts'
import { formatPath } from '../../catalog/parse-stack-file.ts'
import type { StackFile } from '../../catalog/stack-file.ts'
import { AKS_SPOT_TAINT } from './placement.ts'

/** Drivers are built or fetched on each node that is there. */
const TIMEOUT_S = 1800

/**
 * NVIDIA's operator or device plugin, from the chart that the stack file names; nothing when the cluster has
 * it. Model servers need not wait for it: their pods wait for a card. Throws KitError STACK_FILE_INVALID.
 */
export function createGpuStack(
  { gpuStack, nodePools }: Pick<StackFile, 'gpuStack' | 'nodePools'>,
  project: string,
  opts: pulumi.CustomResourceOptions,
): k8s.helm.v3.Release | undefined {
  if (gpuStack.kind === 'there') return undefined
  return new k8s.helm.v3.Release('gpu-stack', gpuStackRelease(gpuStack, nodePools, project), opts)
}

/** Arguments of `helm.v3.Release`. Reads nothing but whether a chart that is named by path is there. */
export function gpuStackRelease(
  gpuStack: ChartedGpuStack,
  nodePools: readonly NodePool[],
  project: string,
) {
  const { kind, chart, repository, version, namespace, values } = gpuStack
  return {
    name: kind,
    chart: chartKind(chart) === 'path' ? chartAt(resolve(project, chart)) : chart,
    ...(repository === undefined ? {} : { repositoryOpts: { repo: repository } }),
    version,
    namespace,
    createNamespace: true,
    // All of it or nothing: what fails is taken back, and told by the release's own error.
    atomic: true,
    skipAwait: false,
    timeout: TIMEOUT_S,
    values: merged(ofPools(kind, nodePools), values),
  }
}

function chartAt(path: string): string {
  if (existsSync(path)) return path
  throw new KitError('STACK_FILE_INVALID', {
    path: formatPath(['gpuStack', 'chart']),
    expected: 'a chart: a folder or a .tgz file',
    got: `nothing at ${path}`,
    fix: 'correct the path: it is taken from the project folder',
  })
}

type Values = Readonly<Record<string, unknown>>

/** What the pools need of the chart. */
function ofPools(kind: ChartedGpuStack['kind'], pools: readonly NodePool[]): Values {
  const sliced = pools.some(({ slice }) => slice !== undefined)
  const spot = pools.some((pool) => pool.provisioner === 'aks' && pool.spot)
  // The charts' own list holds the card's taint alone, and a list replaces it.
  const tolerations = [
    { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
    { key: AKS_SPOT_TAINT.key, operator: 'Exists', effect: AKS_SPOT_TAINT.effect },
  ]
  switch (kind) {
    case 'gpu-operator':
      return {
        ...(sliced ? { mig: { strategy: MIG_STRATEGY } } : {}),
        ...(spot
          ? {
              daemonsets: { tolerations },
              // Without it no card is seen on the node, and the operator keeps away.
              'node-feature-discovery': { worker: { tolerations } },
            }
          : {}),
      }
    case 'device-plugin':
      return {
        ...(sliced ? { migStrategy: MIG_STRATEGY } : {}),
        ...(spot ? { tolerations } : {}),
      }
  }
}

/** The second one wins; objects are merged, lists replaced, as Helm does. */
function merged(one: Values, other: Values): Values {
  const both = Object.entries(other).map(([key, value]) => {
    const before = one[key]
    return [key, isObject(before) && isObject(value) ? merged(before, value) : value]
  })
  return { ...one, ...(Object.fromEntries(both) as Values) }
}

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
