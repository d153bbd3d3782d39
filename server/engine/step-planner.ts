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
/** A first batch of a burst that takes longer is read in two: a half is answered after half the time. */
const BURST_BUDGETS = 5
/** Longer ones are no burst: the other half of them would be read for long beside the first. */
const SHORT_BUDGETS = 2
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
  /** A rate of prefill that most steps reach. */
  tokensPerMs: number
  /** Longest pause between two tokens of an answer. */
  budgetMs: number
  /** What the decode step takes; undefined: nobody decodes, so nobody waits. */
  decodeMs: number | undefined
}

/**
 * What a prefill step may take beside a decode step: what the budget leaves, but never less than half
 * of the decode step (up to the budget), or prompts would stand still where steps are slow.
 */
export const prefillMs = (budgetMs: number, decodeMs: number): number =>
  Math.max(budgetMs - decodeMs, Math.min(budgetMs, decodeMs / 2))

/**
 * The lower is read first: when a prompt would be read if it were alone from its start on. A short one
 * does not wait for a long one that came before, and a long one waits for none that comes after that time.
 */
export const readingOrder = (
  { startedMs, total }: { startedMs: number; total: number },
  tokensPerMs: number,
): number => startedMs + total / tokensPerMs

/**
 * Chunks of the next prefill step, of prompts in the order in which they are read. While others decode, no more than fits
 * between two of their tokens. While nobody decodes, a batch is filled; but of a burst of short prompts a
 * half is answered first.
 */
export function planPrefill(
  prompts: readonly PrefillView[],
  { batchSize, tokensPerMs, budgetMs, decodeMs }: PrefillLimits,
): PrefillChunk[] {
  const fits = Math.floor(prefillMs(budgetMs, decodeMs ?? 0) * tokensPerMs)
  const most = Math.min(batchSize, decodeMs === undefined ? batchSize : Math.max(LEAST_CHUNK, fits))
  const short = Math.floor(SHORT_BUDGETS * budgetMs * tokensPerMs)
  const burst = decodeMs === undefined && prompts.slice(1).every(({ total }) => total <= short)
  const enough = burst ? enoughOfBurst(prompts, most, BURST_BUDGETS * budgetMs * tokensPerMs) : most
  let read = 0
  const chunks: PrefillChunk[] = []
  for (const { slot, due } of prompts) {
    if (read >= enough) break
    const room = most - read
    const tokens = due <= room ? due : Math.max(room - (room % TILE), Math.min(room, TILE))
    chunks.push({ slot, tokens })
    read += tokens
    if (tokens < due) break
  }
  return chunks.sort((a, b) => a.slot - b.slot)
}

/** Tokens of a burst after which no further prompt is begun: half of a batch of more than `long`. */
function enoughOfBurst(prompts: readonly PrefillView[], most: number, long: number): number {
  const batch = Math.min(
    most,
    prompts.reduce((sum, { due }) => sum + due, 0),
  )
  return batch > long ? batch / 2 : most
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

/** A stream in this slot would lie beside or between others, or there are none. */
export function adjoins(slots: readonly SlotView[], slot: number): boolean {
  const busy = slots.flatMap(({ doing }, at) => (doing === 'nothing' ? [] : [at]))
  const [first, last] = [busy[0] ?? slot, busy.at(-1) ?? slot]
  return slot >= first - 1 && slot <= last + 1
}

export interface Move {
  from: number
  to: number
}

/**
 * Moves that bring the decoding streams together, when the shorter steps save more than the copies
 * cost. `stepsLeft`: of the stream in each slot, an estimate. `copyMs`: what one move takes.
 */
export function planMoves(
  slots: readonly SlotView[],
  cost: CostTable,
  stepsLeft: readonly number[],
  copyMs: number,
): Move[] {
  const active = slots.flatMap(({ doing }, slot) => (doing === 'decode' ? [slot] : []))
  const rows = planDecode(slots, cost)
  if (!cost.known || rows.length === 0) return []
  const now = costOf(rows, cost)
  let best: { moves: Move[]; gain: number } = { moves: [], gain: 0 }
  for (let width = active.length; width <= slots.length; width++) {
    if (cost.of(width) > now * (1 - LEAST_GAIN)) continue
    for (let from = 0; from + width <= slots.length; from++) {
      const moves = movesInto(slots, active, from, from + width - 1)
      const steps = Math.min(...moves.map((move) => stepsLeft[move.from] ?? 0))
      const gain = (now - cost.of(width)) * steps - 2 * copyMs * moves.length
      if (moves.length > 0 && gain > best.gain) best = { moves, gain }
    }
  }
  return best.moves
}

/** None: every stream lies in the window, or there is no room for those outside. */
function movesInto(
  slots: readonly SlotView[],
  active: readonly number[],
  from: number,
  to: number,
): Move[] {
  const outside = active.filter((slot) => slot < from || slot > to)
  const inside = range(from, to)
  const free = inside.filter((slot) => slots[slot]?.doing === 'nothing')
  const usable = inside.every((slot) => slots[slot]?.doing === 'decode' || slots[slot]?.padable)
  if (!usable || free.length < outside.length) return []
  return outside.map((slot, at) => ({ from: slot, to: free[at] ?? slot }))
}

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
