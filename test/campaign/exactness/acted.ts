/** Whether an arm did what it is named for: equal answers of a feature that never acted prove nothing. Pure. */
import { CostTable } from '../../../server/engine/cost-table.ts'
import type { EngineStats } from '../../../server/engine/engine.ts'
import { type SlotView, planDecode } from '../../../server/engine/step-planner.ts'

/** What an arm has turned on. */
export interface Features {
  streams: number
  slots: number
  shaping: boolean
  prefixCache: boolean
  drafts: boolean
  /** Its prefixes come back from the RAM tier. */
  restored?: true
  /** Its cost table says that only steps of 8 and 16 rows pay, whatever this host's says. */
  padded?: true
}

export interface Acted {
  figure: string
  /** One for each feature that never acted, or did though it was off. */
  failures: string[]
}

/** `must`: the count is not 0; not `on`: it is. */
interface Rule {
  what: string
  on: boolean
  must: boolean
  count: number
}

type Counted = Pick<EngineStats, 'cache' | 'drafts' | 'shaping'>

/** `ms`: of steps by their rows, as the engine measured them; undefined: it did not. */
export function actedOf(
  arm: Features,
  { cache, drafts, shaping }: Counted,
  ms: readonly number[] | undefined,
): Acted {
  const { slot, memory } = cache.tokens
  const { padRows, moves, copies } = shaping
  const restored = arm.restored === true
  // A full house has no holes, and a single stream is guessed for instead.
  const padded = arm.padded === true
  const sparse = arm.shaping && arm.streams > 1 && arm.streams < arm.slots
  const pays = ms === undefined || paddingPays(arm, ms)
  const rules: Rule[] = [
    { what: 'cached tokens', on: arm.prefixCache, must: arm.prefixCache, count: slot + memory },
    { what: 'tokens from memory', on: restored, must: restored, count: memory },
    {
      ...{ what: 'accepted drafts', on: arm.drafts, must: arm.drafts && arm.streams === 1 },
      count: drafts.accepted,
    },
    padded
      ? { what: 'pad rows', on: true, must: true, count: padRows }
      : {
          ...{ what: 'pad rows or moves', on: arm.shaping, must: sparse && pays },
          count: padRows + moves,
        },
    {
      ...{ what: 'moves or copies', on: arm.shaping || arm.prefixCache, must: sparse && !pays },
      count: moves + copies,
    },
  ]
  const failures = rules.flatMap(({ what, on, must, count }) => {
    if (must && count === 0) return [`no ${what}: nothing is proved`]
    return !on && count > 0 ? [`${count} ${what}, which are off`] : []
  })
  const figure =
    `${slot} tokens of slots, ${memory} of memory, ${drafts.accepted} accepted drafts, ` +
    `${padRows} pad rows, ${moves} moves, ${copies} copies`
  return { figure, failures }
}

/** Whether the planner would fill up a step of that many streams side by side, or fewer. */
function paddingPays({ streams, slots }: Features, ms: readonly number[]): boolean {
  const table = new CostTable(ms)
  return Array.from({ length: streams }, (_, at) => at + 1).some((busy) => {
    const views = Array.from({ length: slots }, (__, slot): SlotView => {
      return { doing: slot < busy ? 'decode' : 'nothing', padable: true }
    })
    return planDecode(views, table).some(({ pad }) => pad)
  })
}
