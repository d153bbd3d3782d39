/** What the next batch holds. Pure: slots, costs and the budget in, rows out. */
import type { CostTable } from './cost-table.ts'

/** What a slot does; its place in the list is its number. */
export interface SlotView {
  doing: 'nothing' | 'prefill' | 'decode'
  /** false: its context is full, or this model cannot drop a cell again. */
  padable: boolean
}

/** A prompt under way. */
export interface PrefillView {
  slot: number
  /** Tokens still to evaluate; at least 1. */
  due: number
  /** What was due at the beginning. */
  total: number
}

export interface DecodeRow {
  slot: number
  pad: boolean
}

export interface PrefillChunk {
  slot: number
  tokens: number
}

/** A shaped step must save this share of an unshaped one: costs are measured, and measures err. */
const LEAST_GAIN = 0.03
/** Prefill goes on, slowly, even where the decode step alone takes the whole budget. */
const LEAST_CHUNK = 16
/** Rows of a tile: chunks in multiples of it waste none. */
const TILE = 4

/**
 * Rows of the next decode step in ascending order: every decoding slot, and pad rows where the cost
 * table says that filling a hole between slots (llama.cpp splits the step there) or the rest of a
 * tile makes the step shorter.
 */
export function planDecode(slots: readonly SlotView[], cost: CostTable): DecodeRow[] {
  const active = slots.flatMap(({ doing }, slot) => (doing === 'decode' ? [slot] : []))
  const unshaped = active.map((slot) => ({ slot, pad: false }))
  if (!cost.known || active.length === 0) return unshaped
  const plain = runLengths(active).reduce((sum, rows) => sum + cost.of(rows), 0)
  const best = bestWindow(slots, active, cost)
  if (best === undefined || cost.of(best.to - best.from + 1) > plain * (1 - LEAST_GAIN)) {
    return unshaped
  }
  return range(best.from, best.to).map((slot) => ({ slot, pad: slots[slot]?.doing !== 'decode' }))
}

/** Milliseconds that `rows` take by the table. */
export function costOf(rows: readonly DecodeRow[], cost: CostTable): number {
  return runLengths(rows.map(({ slot }) => slot)).reduce((sum, run) => sum + cost.of(run), 0)
}

/** The cheapest run of slots that holds all active ones, every other slot in it padable. */
function bestWindow(slots: readonly SlotView[], active: readonly number[], cost: CostTable) {
  let from = active[0] ?? 0
  let to = active.at(-1) ?? 0
  const usable = (slot: number) => slots[slot]?.doing === 'decode' || slots[slot]?.padable === true
  if (!range(from, to).every(usable)) return undefined
  let best = { from, to }
  while (true) {
    if (to + 1 < slots.length && usable(to + 1)) to++
    else if (from > 0 && usable(from - 1)) from--
    else return best
    if (cost.of(to - from + 1) < cost.of(best.to - best.from + 1)) best = { from, to }
  }
}

export interface PrefillLimits {
  /** Tokens that one batch takes. */
  batchSize: number
  /** Rate of prefill; 0 before anything was measured. */
  tokensPerMs: number
  /** Longest pause between two tokens of an answer. */
  budgetMs: number
  /** What the decode step takes; undefined: nobody decodes, so nobody waits. */
  decodeMs: number | undefined
}

/**
 * Chunks of the next prefill step, first come first served. While others decode, no more than fits
 * between two of their tokens. A prompt so short that it alone fits into the budget is read whole: its
 * answer joins the batch sooner, which is worth more to all than the one longer pause costs.
 */
export function planPrefill(
  prompts: readonly PrefillView[],
  { batchSize, tokensPerMs, budgetMs, decodeMs }: PrefillLimits,
): PrefillChunk[] {
  let room = batchSize
  if (decodeMs !== undefined) {
    const whole = Math.floor(budgetMs * tokensPerMs)
    const short = (prompts[0]?.total ?? 0) <= whole
    const fits = short ? whole : Math.floor((budgetMs - decodeMs) * tokensPerMs)
    room = Math.min(batchSize, Math.max(LEAST_CHUNK, fits))
  }
  const chunks: PrefillChunk[] = []
  for (const { slot, due } of prompts) {
    if (room <= 0) break
    const tokens = due <= room ? due : Math.max(room - (room % TILE), Math.min(room, TILE))
    chunks.push({ slot, tokens })
    room -= tokens
    if (tokens < due) break
  }
  return chunks.sort((a, b) => a.slot - b.slot)
}

/**
 * A free slot for a newcomer: the one with most busy neighbours, so that the busy slots stay a run; of
 * those one in a hole, of those the least recently used. `lastUsed` is by slot; undefined: empty,
 * taken first. Returns undefined when none is free.
 */
export function chooseSlot(
  slots: readonly SlotView[],
  lastUsed: readonly (number | undefined)[],
): number | undefined {
  const free = slots.flatMap(({ doing }, slot) => (doing === 'nothing' ? [slot] : []))
  const busy = slots.flatMap(({ doing }, slot) => (doing === 'nothing' ? [] : [slot]))
  const first = busy[0] ?? slots.length
  const last = busy.at(-1) ?? -1
  const fit = (slot: number) => {
    const neighbours = busy.filter((other) => Math.abs(other - slot) === 1).length
    return 2 * neighbours + (slot > first && slot < last ? 1 : 0)
  }
  const age = (slot: number) => lastUsed[slot] ?? -1
  return free.sort((a, b) => fit(b) - fit(a) || age(a) - age(b))[0]
}

/** Moves one stream into a hole when that saves more than the copy costs. */
export interface Move {
  from: number
  to: number
}

/**
 * `stepsLeft`: of the stream in each slot, an estimate. `copyMs`: what moving a stream takes.
 */
export function planMove(
  slots: readonly SlotView[],
  cost: CostTable,
  stepsLeft: readonly number[],
  copyMs: number,
): Move | undefined {
  const active = slots.flatMap(({ doing }, slot) => (doing === 'decode' ? [slot] : []))
  const first = active[0]
  const last = active.at(-1)
  if (!cost.known || first === undefined || last === undefined) return undefined
  const hole = range(first, last).find((slot) => slots[slot]?.doing === 'nothing')
  if (hole === undefined) return undefined
  const now = costOf(planDecode(slots, cost), cost)
  const moves = [
    { from: last, to: hole },
    { from: first, to: hole },
  ].map((move) => ({ ...move, saved: now - costOf(planDecode(moved(slots, move), cost), cost) }))
  const [best] = moves
    .filter(({ from, saved }) => saved * (stepsLeft[from] ?? 0) > 2 * copyMs)
    .sort((a, b) => b.saved - a.saved)
  return best === undefined ? undefined : { from: best.from, to: best.to }
}

const moved = (slots: readonly SlotView[], { from, to }: Move): SlotView[] =>
  slots.map((view, slot) => {
    if (slot === from) return { ...view, doing: 'nothing' }
    return slot === to ? { ...view, doing: 'decode' } : view
  })

function runLengths(ascending: readonly number[]): number[] {
  const runs: number[] = []
  ascending.forEach((slot, at) => {
    if (at > 0 && ascending[at - 1] === slot - 1) runs[runs.length - 1]!++
    else runs.push(1)
  })
  return runs
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)
