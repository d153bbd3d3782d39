import { ACCELERATORS } from '../../catalog/accelerators/index.ts'
import type { Accelerator } from '../../catalog/accelerator.ts'
import { KitError, type ErrorCode, type Problem } from '../../catalog/errors.ts'
import type { NodePool } from '../../catalog/node-pool.ts'
import { formatPath } from '../../catalog/parse-stack-file.ts'
import type { ResolvedModel } from '../../catalog/resolve.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import { fitOf, type Cards } from './fit.ts'
import { insteadOf, type Instead } from './instead.ts'
import { memoryOf, type Layout } from './memory.ts'
import { planOf, type PlannedModel } from './plan.ts'
import { placementOf, type Placement } from './placement.ts'
import { ofRow } from './planned-model.ts'

/** Where each model's replicas run, by the model's id; models without a pool are not in it. */
export type Placements = ReadonlyMap<string, Placement>

/**
 * Holds every model against the cards of its pool, and the replicas of a pool against its nodes, before
 * anything is deployed. Throws KitError MODEL_TOO_BIG or STACK_FILE_INVALID and names each that cannot fit.
 */
export function assignModels(
  models: readonly ResolvedModel[],
  jurisdiction: Jurisdiction,
): Placements {
  const placed = models.flatMap((model, index) =>
    model.pool === undefined ? [] : [{ model, index, pool: model.pool, ...cardsOf(model, index) }],
  )
  const tooBig = placed.flatMap(({ problem }) => (problem === undefined ? [] : [problem]))
  fail('MODEL_TOO_BIG', tooBig)
  fail('STACK_FILE_INVALID', crowdedPools(placed))
  return new Map(
    placed.map(({ model, pool, cards }) => [
      model.base.id,
      placementOf(pool, ACCELERATORS[pool.accelerator], jurisdiction, cards),
    ]),
  )
}

function fail(code: ErrorCode, problems: readonly Problem[]): void {
  if (problems.length > 0) throw new KitError(code, problems)
}

/** Cards of one replica. */
function cardsOf(model: ResolvedModel, index: number): { cards: number; problem?: Problem } {
  const { pool } = model
  if (pool === undefined || pool.accelerator === 'cpu') return { cards: 0 }
  const layout = layoutOf(model)
  const planned = plannedOf(model)
  const card = cardOf(pool, ACCELERATORS[pool.accelerator])
  const most: Cards = pool.slice === undefined ? pool.cards : 1
  const memory = memoryOf(planned.shape, planned.weights, layout)
  const fit = fitOf(memory, planned.shape.layers, card, most)
  if (fit.cards !== undefined) return { cards: fit.cards }
  const files = model.base.files.map(({ quantization, bytes }) => ({
    ...{ quantization, weights: bytes },
  }))
  const instead = insteadOf(planned, layout, files, card, most)
  const path = formatPath(['models', index])
  return { cards: 0, problem: tooBig(path, model, pool, fit.fullest, instead) }
}

const layoutOf = ({ choice, contextSize }: ResolvedModel): Layout => ({
  contextSize,
  slots: choice.slots,
  cacheType: choice.cacheType,
})

/** The row's shape with the size of the file that is served. */
const plannedOf = ({ base, file }: ResolvedModel): PlannedModel => ({
  ...ofRow(base, file.quantization).model,
  weights: file.bytes,
})

/** Memory of one card, or of the part of it that the pool's pods get. */
function cardOf(pool: NodePool, accelerator: Accelerator): Pick<Accelerator, 'memoryMiB'> {
  const slice = accelerator.slices.find(({ profile }) => profile === pool.slice)
  return { memoryMiB: slice?.memoryMiB ?? accelerator.memoryMiB }
}

function tooBig(
  path: string,
  model: ResolvedModel,
  pool: NodePool,
  fullest: number,
  instead: Instead,
): Problem {
  const { slice, cards, accelerator } = pool
  const { name } = ACCELERATORS[accelerator]
  const holds = slice === undefined ? `${cards} x ${name} of a node` : `${slice} of ${name}`
  const ways = [
    instead.contextSize && `contextSize: ${instead.contextSize}`,
    instead.cacheType && `cacheType: ${instead.cacheType}`,
    instead.slots && `slots: ${instead.slots}`,
    instead.quantization && `quantization: ${instead.quantization}`,
  ].filter((way) => way)
  const [smallest, ...others] = holdersOf(model)
  const cardsFix =
    smallest === undefined
      ? 'no accelerator of the catalogue holds it as asked for'
      : `a pool of ${smallest}${others.length > 0 ? ` (or of ${others.join(', ')})` : ''}`
  return {
    path: `${path}.pool`,
    expected: `${model.base.id} ${model.file.quantization} with ${model.choice.slots} slots of ${model.contextSize} tokens to fit ${holds}, pool "${pool.name}"`,
    got: `${gibibytes(fullest)} on the fullest card`,
    fix: [...ways.map((way) => `set ${way}`), cardsFix].join(', or '),
  }
}

/** Accelerators that hold a replica as asked for, the least memory in all first. */
function holdersOf(model: ResolvedModel): string[] {
  const plan = planOf(plannedOf(model), layoutOf(model), 1)
  return plan.rows
    .flatMap(({ id, verdict }) =>
      verdict.kind === 'fits'
        ? [{ id, cards: verdict.cards, memory: verdict.cards * (ACCELERATORS[id].memoryMiB ?? 0) }]
        : [],
    )
    .sort((one, other) => one.memory - other.memory)
    .map(({ id, cards }) => `${cards} x ${id}`)
}

const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`

interface Placed {
  model: ResolvedModel
  pool: NodePool
  cards: number
}

/**
 * Pools whose nodes cannot carry the replicas that are always there all at once, or the most of one model.
 * Cards of a replica divide those of a node, so that they pack.
 */
function crowdedPools(placed: readonly Placed[]): Problem[] {
  const pools = new Set(placed.map(({ pool }) => pool))
  return [...pools].flatMap((pool) => {
    if (!('max' in pool)) return []
    const slices = ACCELERATORS[pool.accelerator].slices
    const perCard = slices.find(({ profile }) => profile === pool.slice)?.most ?? 1
    const there = pool.max * pool.cards * perCard
    const own = placed.filter((entry) => entry.pool === pool)
    const always = own.reduce((sum, { model, cards }) => sum + leastOf(model) * cards, 0)
    const needed = Math.max(always, ...own.map(({ model, cards }) => model.replicas * cards))
    if (needed <= there) return []
    return [
      {
        path: `serantau:nodePools "${pool.name}".max`,
        expected: `nodes for ${needed} cards: ${own.map(({ model, cards }) => `${model.base.id} ${model.replicas} x ${cards}`).join(', ')}`,
        got: `${pool.max} nodes of ${pool.cards}`,
        fix: `set max: ${Math.ceil(needed / (pool.cards * perCard))}, or lower replicas`,
      },
    ]
  })
}

const leastOf = ({ bounds, replicas }: ResolvedModel): number => bounds?.min ?? replicas
