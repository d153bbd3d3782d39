import { type Outcome, type WithoutModel, firstOf, percent, show } from './campaign.ts'
import { MOST_MIB, judgeAll } from './gguf/judge-all.ts'
import type { JudgedAll } from './gguf/judge-all.ts'
import { MOST_MS } from './gguf/judge.ts'
import { loadSome } from './gguf/load-some.ts'
import type { LoadedSome } from './gguf/load-some.ts'

/** Of all mutants, one in so many is loaded as well. */
const ONE_LOADED_IN = 500

/** Damaged files: each is accepted, or refused with its reason, at once; and what is accepted ends no process. */
export async function gguf({ size, say }: WithoutModel): Promise<Outcome> {
  const judged = await judgeAll(size, say)
  const loaded = await loadSome(Math.ceil(size / ONE_LOADED_IN), say)
  return {
    figures: [...figuresOf(judged), ...figuresOfLoads(loaded)],
    failures: [
      ...judged.tally.broken,
      ...(isBeyond(judged) ? [`memory: ${mebibytes(judged.memory)} MiB`] : []),
      ...firstOf(loaded.deaths),
    ],
  }
}

const mebibytes = (bytes: number) => show(bytes / 2 ** 20)
const isBeyond = ({ memory, threads }: JudgedAll) => memory > threads * MOST_MIB * 2 ** 20

function figuresOf({ tally, memory, threads }: JudgedAll): [string, string][] {
  const { verdicts, kinds, slowestMs } = tally
  const all = Object.values(verdicts).reduce((sum, count) => sum + count)
  return [
    ['mutants', `${all}`],
    ['accepted', percent(verdicts.accepted, all)],
    ['refused as WEIGHTS_CORRUPT', percent(verdicts.corrupt, all)],
    ['refused as WEIGHTS_NOT_SERVABLE', percent(verdicts['not servable'], all)],
    ['neither, or without place or reason', percent(verdicts.broken, all)],
    [`slowest, ms (at most ${MOST_MS})`, show(slowestMs)],
    [
      `memory of all ${threads} threads over all mutants, MiB (at most ${MOST_MIB} each)`,
      mebibytes(memory),
    ],
    ...Object.entries(kinds)
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([how, { made, accepted }]): [string, string] => [
        `${how}: accepted`,
        percent(accepted, made),
      ]),
  ]
}

function figuresOfLoads({ accepted, refused, causes }: LoadedSome): [string, string][] {
  return (['accepted', 'refused'] as const).flatMap((sort) => {
    const ends = sort === 'accepted' ? accepted : refused
    const all = Object.values(ends).reduce((sum, count) => sum + count)
    const row = (label: string, count: number): [string, string] => [
      `${sort} ones in native code: ${label}`,
      percent(count, all),
    ]
    return [
      row('loaded and decoded', ends.decoded),
      row('loaded, not decoded', ends['not decoded']),
      row('not loaded', ends['not loaded']),
      row('ended their process', ends.died),
      ...[...causes[sort]].map(([cause, count]) => row(`of these by ${cause}`, count)),
    ]
  })
}
