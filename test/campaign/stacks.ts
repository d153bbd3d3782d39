import fc from 'fast-check'
import { KitError } from '../../catalog/errors.ts'
import { placedOutside } from '../helpers/placed-outside.ts'
import { poolStacks } from '../helpers/pool-stacks.ts'
import { type Outcome, type WithoutModel, firstOf, percent } from './campaign.ts'

/** Random stack files with pools: what is accepted is rendered, and every object is read. */
export function stacks({ size }: WithoutModel): Promise<Outcome> {
  const failures: string[] = []
  let accepted = 0
  const reasons = new Map<string, number>()
  for (const raw of fc.sample(poolStacks, { numRuns: size, seed: 7 })) {
    try {
      failures.push(...placedOutside(raw))
      accepted += 1
    } catch (error) {
      if (!(error instanceof KitError)) throw error
      const key = (error.problems[0]?.path ?? '').replace(/\[\d+\]|"[^"]*"/g, '')
      reasons.set(key, (reasons.get(key) ?? 0) + 1)
    }
  }
  const commonest = [...reasons].sort((one, other) => other[1] - one[1])
  return Promise.resolve({
    figures: [
      ['accepted', percent(accepted, size)],
      ['placed outside the jurisdiction', `${failures.length}`],
      ...commonest
        .slice(0, 8)
        .map(([path, count]): [string, string] => [`refused first for ${path}`, `${count}`]),
    ],
    failures: [
      ...firstOf(failures),
      ...(accepted === 0 ? ['no stack file was accepted: nothing was shown'] : []),
    ],
  })
}
