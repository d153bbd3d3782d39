import type { Accelerator } from '../../catalog/accelerator.ts'
import { bytesOfMemory, type Memory } from './memory.ts'

const MEBIBYTE = 2 ** 20
/** What the driver and the engine's kernels take of a card before any model does, and what a card must keep free. */
const CARD_MEBIBYTES = 768
/** Cards that one node of any kind has. */
export const CARDS = [1, 2, 4, 8] as const
export type Cards = (typeof CARDS)[number]

/** Memory that a model can have of `card`, bytes; 0: of no model, as the CPU has none of its own. */
export const usableBytes = ({ memoryMiB }: Pick<Accelerator, 'memoryMiB'>): number =>
  memoryMiB === undefined ? 0 : Math.max(0, memoryMiB - CARD_MEBIBYTES) * MEBIBYTE

export interface Fit {
  /** Of one node, among which the layers are split; undefined: no node has enough. */
  cards: Cards | undefined
  /** Bytes on the fullest of them. */
  fullest: number
  /** Layers that are on the accelerators of one card; all of them where it fits on one. */
  layersOnOneCard: number
}

/**
 * How many cards of one node a replica takes, of at most `most`. Layers are whole: the fullest card carries one more than the
 * others at most. Each has its own buffers to compute in.
 */
export function fitOf(
  memory: Memory,
  layers: number,
  card: Pick<Accelerator, 'memoryMiB'>,
  most: Cards = 8,
): Fit {
  const usable = usableBytes(card)
  const cards = CARDS.find((count) => count <= most && fullestOf(memory, layers, count) <= usable)
  return {
    cards,
    fullest: fullestOf(memory, layers, cards ?? most),
    layersOnOneCard: layersOn(memory, layers, usable),
  }
}

const layerBytes = (memory: Memory, layers: number) =>
  (memory.weights + memory.cache + memory.states) / layers

function fullestOf(memory: Memory, layers: number, cards: Cards): number {
  if (cards === 1) return bytesOfMemory(memory)
  return Math.ceil(layers / cards) * layerBytes(memory, layers) + memory.compute
}

/** The rest is computed by the CPU. */
function layersOn(memory: Memory, layers: number, usable: number): number {
  const room = Math.floor((usable - memory.compute) / layerBytes(memory, layers))
  return Math.max(0, Math.min(layers, room))
}
