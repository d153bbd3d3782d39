import type { Accelerator, AcceleratorId } from '../../catalog/accelerator.ts'
import { ACCELERATOR_IDS } from '../../catalog/accelerator.ts'
import { ACCELERATORS } from '../../catalog/accelerators/index.ts'
import type { ModelShape } from '../../catalog/model-shape.ts'
import { fitOf, type Cards } from './fit.ts'
import { bytesOfMemory, memoryOf, type Layout, type Memory } from './memory.ts'
import { processBytes } from './overhead.ts'
import { speedBound, type SpeedBound } from './speed.ts'

/** What a plan is made for. */
export interface PlannedModel {
  name: string
  shape: ModelShape
  /** Tensors of the file, bytes. */
  weights: number
  /** Part of the weights that one token goes through. */
  activeShare: number
}

/** Money for an hour of one card, of accelerators that have a price; of one currency. */
export type Prices = Readonly<Partial<Record<AcceleratorId, number>>>

export type Verdict =
  | {
      kind: 'fits'
      /** Of one replica, all on one node. */
      cards: Cards
      /** Of all replicas. */
      allCards: number
      /** Bytes on the fullest card. */
      fullest: number
      speed: SpeedBound | undefined
      /** Of all replicas for an hour; undefined: no price is known. */
      cost: number | undefined
    }
  /** In the node's own memory; bytes of one replica with its processes. */
  | { kind: 'cpu'; bytes: number }
  /** `layers` of it would be on one card, and the CPU would compute the others. */
  | { kind: 'too big'; fullest: number; layers: number }
  /** The engine doesn't run on it. */
  | { kind: 'refused'; reason: string }

export interface PlanRow {
  id: AcceleratorId
  verdict: Verdict
}

export interface Plan {
  model: string
  layout: Layout
  replicas: number
  memory: Memory
  rows: readonly PlanRow[]
}

/** What a model takes, and whether each accelerator of the catalogue holds it. Pure. */
export function planOf(
  model: PlannedModel,
  layout: Layout,
  replicas: number,
  prices: Prices = {},
): Plan {
  const memory = memoryOf(model.shape, model.weights, layout)
  const rows = ACCELERATOR_IDS.map((id) => {
    const verdict = verdictOf(model, layout, memory, ACCELERATORS[id])
    return { id, verdict: withReplicas(verdict, replicas, prices[id]) }
  })
  return { model: model.name, layout, replicas, memory, rows }
}

function verdictOf(
  model: PlannedModel,
  layout: Layout,
  memory: Memory,
  accelerator: Accelerator,
): Verdict {
  if ('refused' in accelerator.engine) {
    return { kind: 'refused', reason: accelerator.engine.refused }
  }
  if (accelerator.engine.image === 'cpu') {
    return { kind: 'cpu', bytes: bytesOfMemory(memory) + processBytes(model.shape, layout.slots) }
  }
  const { cards, fullest, layersOnOneCard } = fitOf(memory, model.shape.layers, accelerator)
  if (cards === undefined) return { kind: 'too big', fullest, layers: layersOnOneCard }
  const speed = speedBound(model, layout, accelerator)
  return { kind: 'fits', cards, allCards: cards, fullest, speed, cost: undefined }
}

function withReplicas(verdict: Verdict, replicas: number, price: number | undefined): Verdict {
  if (verdict.kind !== 'fits') return verdict
  const allCards = verdict.cards * replicas
  return { ...verdict, allCards, cost: price === undefined ? undefined : allCards * price }
}

export const totalOf = ({ memory }: Plan): number => bytesOfMemory(memory)
