import { DIMENSIONS, type LlamaFlags } from './llama-flags.ts'
import { median } from './statistics.ts'
import type { Cases, Workload } from './workloads/workload.ts'

export type Searched = Pick<Workload, 'tries' | 'admits' | 'score' | 'searches'>
type Name = keyof LlamaFlags
type Tell = (line: string) => void
/** Higher is better; 0: refused, or nothing was answered. */
type Score = (flags: LlamaFlags) => Promise<number>

/** Less than this is noise of one run: the flags found so far stay. */
const GAIN = 1.02
const PLAY_OFF_RUNS = 3

/**
 * llama-server's best flags for a workload: a descent of one run a value, then a play-off of what it
 * found, of the same with one pool of cells or without, and of `plain`, its flags as it comes. One
 * run picks by luck as well as by merit, and dimensions hang together. A workload that searches few
 * dimensions has no play-off against `plain`: that is an arm of its own, and counts where it is better.
 */
export async function searchFlags(
  { tries, admits, score, searches }: Searched,
  { from, plain }: { from: LlamaFlags; plain: LlamaFlags },
  run: (flags: LlamaFlags) => Promise<Cases>,
  tell: Tell,
): Promise<LlamaFlags> {
  const first = await run(from)
  const top = score(first, first)
  if (!(top > 0)) throw new Error('llama-server answers nothing to compare with')
  const scoreOf: Score = async (flags) => {
    // A combination that llama-server refuses is no better one, nor is one that answers nothing (NaN).
    const cases = await run(flags).catch(() => ({}))
    return score(cases, first) || 0
  }
  const admitted = (flags: LlamaFlags) => admits === undefined || admits(flags)
  const wanted = (change: Partial<LlamaFlags>) =>
    searches === undefined || Object.keys(change).some((name) => searches.includes(name as Name))
  const dimensions = DIMENSIONS.map((values) => values.filter(wanted))
  const changes = [...dimensions, ...(tries ?? []).map((more) => [{ more }, { more: [] }])].flat()
  const found = await descend(changes, { flags: from, top }, admitted, scoreOf, tell)
  const other = { ...found, unified: !found.unified }
  const rivals = [
    found,
    ...(searches === undefined || searches.includes('unified') ? [other] : []),
    ...(searches ? [] : [plain]),
  ]
  return playOff(distinct(rivals.filter(admitted)), scoreOf, tell)
}

/** One dimension after the other, each from the best so far. */
async function descend(
  changes: readonly Partial<LlamaFlags>[],
  from: { flags: LlamaFlags; top: number },
  admitted: (flags: LlamaFlags) => boolean,
  scoreOf: Score,
  tell: Tell,
): Promise<LlamaFlags> {
  let { flags: best, top } = from
  for (const change of changes) {
    const flags = { ...best, ...change }
    if (keyOf(flags) === keyOf(best) || !admitted(flags)) continue
    const reached = await scoreOf(flags)
    tell(`${JSON.stringify(change)}: ${(reached / top).toFixed(3)} of the best so far`)
    if (!(reached >= top * GAIN)) continue
    best = flags
    top = reached
  }
  return best
}

/** The best median of three runs each, one after the other in each round. */
async function playOff(
  rivals: readonly LlamaFlags[],
  scoreOf: Score,
  tell: Tell,
): Promise<LlamaFlags> {
  const [only, second] = rivals
  if (only !== undefined && second === undefined) return only
  const played = rivals.map((flags) => ({ flags, scores: [] as number[] }))
  for (let round = 0; round < PLAY_OFF_RUNS; round++) {
    for (const { flags, scores } of played) scores.push(await scoreOf(flags))
  }
  const [best, ...others] = played
    .map(({ flags, scores }) => ({ flags, score: median(scores) }))
    .sort((a, b) => b.score - a.score)
  if (best === undefined) throw new Error('no flags with which the work can be done')
  for (const { flags, score } of others) {
    tell(`play-off: ${JSON.stringify(flags)}: ${(score / best.score).toFixed(3)} of the best`)
  }
  return best.flags
}

const keyOf = (flags: LlamaFlags): string => JSON.stringify(flags)
const distinct = (all: readonly LlamaFlags[]): LlamaFlags[] => [
  ...new Map(all.map((flags) => [keyOf(flags), flags])).values(),
]
