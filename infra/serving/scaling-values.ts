import type {
  GatewayValues,
  ModelScaling,
  ResolvedModel,
  Scaling,
  StackFile,
} from '../../catalog/index.ts'
import { modelRelease, SCALING_LEASE } from '../names.ts'

/** charts/gateway has the same number. */
const GRACE_SECONDS = 265

/** What the gateway needs to know of a model whose pods are scaled. */
export function modelScaling({ base, bounds, choice }: ResolvedModel): { scaling?: ModelScaling } {
  if (bounds === undefined) return {}
  const { min, max, waiting, idleSeconds } = bounds
  return {
    scaling: {
      deployment: modelRelease(base.id),
      ...{ min, max, slots: choice.slots, waitingPerReplica: waiting },
      // In the half of it that is left another pod may come up before requests are refused.
      waitMs: Math.ceil(choice.firstTokenMs / 2),
      idleMs: idleSeconds * 1000,
      // What the first pod that comes up takes.
      maxHeld: choice.slots + choice.maxQueued,
    },
  }
}

export function gatewayScaling(
  { scaling }: StackFile,
  models: readonly ResolvedModel[],
): { scaling?: Scaling } {
  if (!isAnyScaled(models)) return {}
  const { by, holdSeconds } = scaling
  const lease = by === 'gateway' ? { lease: SCALING_LEASE } : {}
  return { scaling: { by, ...lease, holdMs: holdSeconds * 1000 } }
}

/** What the chart must open for it. `apiServerCidr`: where the embedded cluster knows it to be. */
export function scalingAccess(
  { scaling }: StackFile,
  models: readonly ResolvedModel[],
  apiServerCidr: string | undefined,
): Pick<GatewayValues, 'scaling'> {
  if (!isAnyScaled(models)) return {}
  if (scaling.by === 'keda') return { scaling: { kedaNamespace: scaling.namespace } }
  const { cidrs, ports } = scaling.apiServer
  return { scaling: { apiServer: { cidrs: apiServerCidr ? [apiServerCidr] : cidrs, ports } } }
}

/** A gateway that ends must outlive what it holds; without scaling the chart's default is enough. */
export function drainOfHeld(
  { scaling }: StackFile,
  models: readonly ResolvedModel[],
): Pick<GatewayValues, 'terminationGracePeriodSeconds'> {
  if (!isAnyScaled(models)) return {}
  return { terminationGracePeriodSeconds: GRACE_SECONDS + scaling.holdSeconds }
}

const isAnyScaled = (models: readonly ResolvedModel[]) =>
  models.some(({ bounds }) => bounds !== undefined)
