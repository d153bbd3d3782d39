import type { Judged, Verdict } from './judge.ts'
import type { Mutant } from './mutants.ts'

export interface Tally {
  verdicts: Record<Verdict, number>
  /** By what was done. */
  kinds: Record<string, { made: number; accepted: number }>
  slowestMs: number
  /** Of the broken ones: number and how. At most ten. */
  broken: string[]
}

const MOST_TOLD = 10

export const newTally = (): Tally => ({
  verdicts: { accepted: 0, corrupt: 0, 'not servable': 0, broken: 0 },
  ...{ kinds: {}, slowestMs: 0, broken: [] },
})

export function count(
  tally: Tally,
  index: number,
  { how, seed }: Pick<Mutant, 'how' | 'seed'>,
  { verdict, ms, problem }: Judged,
): void {
  tally.verdicts[verdict]++
  const kind = (tally.kinds[how] ??= { made: 0, accepted: 0 })
  kind.made++
  if (verdict === 'accepted') kind.accepted++
  tally.slowestMs = Math.max(tally.slowestMs, ms)
  if (verdict === 'broken' && tally.broken.length < MOST_TOLD) {
    tally.broken.push(`mutant ${index} (${seed}, ${how}): ${problem}`)
  }
}

export function sumOf(tallies: readonly Tally[]): Tally {
  const sum = newTally()
  for (const { verdicts, kinds, slowestMs, broken } of tallies) {
    for (const verdict of Object.keys(verdicts) as Verdict[]) {
      sum.verdicts[verdict] += verdicts[verdict]
    }
    for (const [how, { made, accepted }] of Object.entries(kinds)) {
      const kind = (sum.kinds[how] ??= { made: 0, accepted: 0 })
      kind.made += made
      kind.accepted += accepted
    }
    sum.slowestMs = Math.max(sum.slowestMs, slowestMs)
    sum.broken.push(...broken.slice(0, MOST_TOLD - sum.broken.length))
  }
  return sum
}

/** Judges mutants `from` up to `to`. `each`: after every one. */
export function tallyOf(
  mutants: { at: (index: number) => Mutant },
  judge: (file: Buffer) => Judged,
  from: number,
  to: number,
  each: (done: number) => void = () => undefined,
): Tally {
  const tally = newTally()
  for (let index = from; index < to; index++) {
    const mutant = mutants.at(index)
    count(tally, index, mutant, judge(mutant.file))
    each(index + 1 - from)
  }
  return tally
}
