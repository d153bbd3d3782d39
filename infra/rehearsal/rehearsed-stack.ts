import { assignModels } from '../nodes/assign.ts'
import { resolveModels, type ResolvedModel } from '../../catalog/resolve.ts'
import { KitError } from '../../catalog/errors.ts'
import { KarpenterPoolSchema, type KarpenterPool, type NodePool } from '../../catalog/node-pool.ts'
import { formatPath, parseStackFile } from '../../catalog/parse-stack-file.ts'
import type { StackFile } from '../../catalog/stack-file.ts'
import { SIMULATED_NODE_CLASS } from './fleet.ts'

export interface RehearsedStack {
  namespace: string
  /** Keys of the stack file that is deployed, as a stack file has them. */
  config: Record<string, unknown>
  /** Pools whose nodes are simulated, as they are deployed. */
  simulated: readonly KarpenterPool[]
  /** Models on them: their pods are played. */
  played: readonly PlayedModel[]
  /** Labels of pools that lie on the machine itself. */
  realLabels: Readonly<Record<string, string>>
  /** What differs from the stack file that was given, a sentence each. */
  changes: readonly string[]
}

export interface PlayedModel {
  id: string
  pool: KarpenterPool
  replicas: number
  /** Replicas that the pool holds beside those of other models. */
  most: number
}

/** A node without work goes so long after: nobody waits ten minutes for a rehearsal. */
const CONSOLIDATE_AFTER = '5s'
const CLUSTER = 'rehearsal'

/**
 * The same stack for the embedded cluster and a simulated cloud. Pools of CPU nodes that are there become the
 * machine itself; all others are made by Karpenter, whoever makes them in the stack. Pure. Throws what refuses
 * the stack file, and STACK_FILE_INVALID where nothing could be simulated.
 */
export function rehearsedStack(given: StackFile): RehearsedStack {
  const models = resolveModels(given)
  assignModels(models, given.jurisdiction)
  const pools = given.nodePools.map((pool) => (isReal(pool) ? pool : simulatedPool(pool)))
  const simulated = pools.filter((pool) => pool.provisioner === 'karpenter')
  if (simulated.length === 0) throw nothingSimulated()
  const { jurisdiction, namespace, acceptedLicences, gatewayReplicas, scaling } = given
  const config = {
    ...{ jurisdiction, namespace, acceptedLicences, gatewayReplicas, scaling },
    cluster: { kind: 'local', name: CLUSTER },
    nodePools: pools,
    models: models.map(rehearsedModel),
  }
  const deployed = parseStackFile(config)
  return {
    namespace,
    config,
    simulated,
    played: playedModels(deployed),
    realLabels: Object.assign({}, ...given.nodePools.filter(isReal).map(labelsOf)) as Record<
      string,
      string
    >,
    changes: changesOf(given, models),
  }
}

const isReal = (pool: NodePool): boolean =>
  pool.provisioner === 'existing' && pool.accelerator === 'cpu'

const labelsOf = (pool: NodePool) => (pool.provisioner === 'existing' ? pool.nodeLabels : {})

/** Nodes that are there have no bound: as many as a rehearsal needs. */
const EXISTING_MOST = 8

function simulatedPool(pool: NodePool): KarpenterPool {
  const { name, accelerator, cards, slice, zones } = pool
  const most = 'max' in pool ? pool.max : EXISTING_MOST
  const own = pool.provisioner === 'karpenter' ? pool : {}
  return KarpenterPoolSchema.parse({
    ...{ nodeCpus: 8, ...own, name, accelerator, cards, slice, zones, max: most },
    provisioner: 'karpenter',
    nodeClassRef: SIMULATED_NODE_CLASS,
    consolidateAfter: CONSOLIDATE_AFTER,
    // A rehearsal replaces all that it wants to see replaced at once.
    disruptedAtOnce: 100,
  })
}

function rehearsedModel({ choice, replicas, bounds }: ResolvedModel) {
  const { state: _, ...kept } = choice
  return { ...kept, replicas: Math.max(1, bounds?.min ?? replicas) }
}

function playedModels(stack: StackFile): PlayedModel[] {
  const models = resolveModels(stack)
  const placements = assignModels(models, stack.jurisdiction)
  const taken = models.map((model) => {
    const count = placements.get(model.base.id)?.accelerator?.count ?? 1
    return { model, count }
  })
  return taken.flatMap(({ model, count }) => {
    const { pool, base, replicas } = model
    if (pool?.provisioner !== 'karpenter') return []
    const others = taken
      .filter((other) => other.model !== model && other.model.pool === pool)
      .reduce((sum, other) => sum + other.model.replicas * other.count, 0)
    const most = Math.floor((pool.max * pool.cards - others) / count)
    return [{ id: base.id, pool, replicas, most }]
  })
}

function changesOf({ nodePools }: StackFile, models: readonly ResolvedModel[]): string[] {
  const made = nodePools
    .filter((pool) => !isReal(pool) && pool.provisioner !== 'karpenter')
    .map(
      ({ name, provisioner }) =>
        `Nodes of pool ${name} (${provisioner}) are made by Karpenter here, with the same cards, zones and bound.`,
    )
  const scaled = models
    .filter(({ bounds }) => bounds !== undefined)
    .map(({ base }) => `${base.id} has a fixed number of pods here: the scenarios scale it.`)
  return [
    'The cloud is simulated: Karpenter is the real one, its provider and kwok play machines that join and pods that run. No driver, image or model is loaded on them.',
    `Empty nodes go after ${CONSOLIDATE_AFTER}, and any number may be replaced at once.`,
    'Volumes, exposure and images of the stack are not used: the embedded cluster has its own.',
    ...made,
    ...scaled,
  ]
}

const nothingSimulated = () =>
  new KitError('STACK_FILE_INVALID', {
    path: formatPath(['nodePools']),
    expected: 'at least one pool whose nodes can be simulated',
    got: 'none, or CPU nodes that are there alone',
    fix: 'add a pool with an accelerator, or of a provisioner that makes nodes',
  })
