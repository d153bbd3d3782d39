import { type Results, valuesOf } from './results.ts'
import {
  type Estimate,
  differenceOf,
  median,
  medianOf,
  pairedDifferenceOf,
  pairedRatioOf,
  ratioOf,
} from './statistics.ts'

/** One line of the table: what is to be reached, against which arm. */
export interface Goal {
  label: string
  workload: string
  /** Name of the workload's case. */
  name: string
  metric: string
  /** The other arm's metric and case, where they have other names. */
  otherMetric?: string
  otherName?: string
  arm: string
  other: string
  as: 'ratio' | 'difference'
  bound: 'least' | 'most'
  goal: number
}

/** Undecided: the interval holds values that meet the goal and others that don't. */
export type Verdict = 'reached' | 'not reached' | 'undecided'

/** `other` is the arm that it was judged against. */
export interface Judged extends Goal {
  ours: Estimate
  theirs: Estimate
  compared: Estimate
  verdict: Verdict
  /** Of the arm with fewer of them: a verdict of one run is a weak one. */
  runs: number
  /** One command measured both: else the machine may have changed in between. */
  together: boolean
  /** Others took so much of the processor meanwhile that it says little; undefined: nobody looked. */
  disturbed: boolean | undefined
}

const BEST = 'llama-server-best'
const DEFAULT = 'llama-server'
const defaults = { arm: 'ours', other: BEST, as: 'ratio' } as const
const rate = { ...defaults, metric: 'tokensPerSecond', bound: 'least' } as const

const throughput = [2, 3, 4, 5, 6, 7, 8, 12, 16].map((streams): Goal => ({
  ...rate,
  ...{ label: `${streams} streams, tok/s`, workload: 'W1', name: `${streams}`, goal: 1 },
}))

/** llama.cpp's own loop: as it comes, and with our kernels, so that loops are all that differs. */
const LIMITS = [
  { other: 'batched-bench', suffix: '' },
  { other: 'batched-bench-ours', suffix: ', same kernels' },
]

const decodePhase = LIMITS.flatMap(({ other, suffix }) =>
  [1, 2, 3, 4, 8, 12, 16].map((streams): Goal => ({
    ...{ ...rate, metric: 'decodePerSecond', arm: 'engine', other, goal: 0.93 },
    ...{ label: `decode phase alone, ${streams} rows${suffix}`, workload: 'W0' },
    name: `${streams}`,
  })),
)

const shaped = LIMITS.flatMap(({ other, suffix }) =>
  [5, 6, 7].map((streams): Goal => ({
    ...{ ...rate, metric: 'decodePerSecond', otherMetric: 'shapedPerSecond' },
    ...{ label: `decode phase, ${streams} rows, of what shaping allows${suffix}`, workload: 'W0' },
    ...{ name: `${streams}`, arm: 'engine', other, goal: 0.97 },
  })),
)

const hop = (streams: number) => ({
  ...{ workload: 'hop', arm: 'gateway', name: `${streams} through` },
  ...{ other: 'gateway', otherName: `${streams} direct` },
})

/** Goals of the engine, in the order of the table. */
export const GOALS: readonly Goal[] = [
  // A stream alone is guessed for: the peer may guess too.
  { ...rate, label: '1 stream, tok/s', workload: 'W1a', name: '1', goal: 0.98 },
  ...throughput,
  { ...rate, label: 'long answers, 16 streams, tok/s', workload: 'W2', name: '16', goal: 1 },
  { ...rate, label: 'long prompts, 16 streams, tok/s', workload: 'W3', name: '16', goal: 1 },
  ...decodePhase,
  ...shaped,
  {
    ...{ ...defaults, label: 'cold burst, TTFT p50', workload: 'W5', name: 'cold' },
    ...{ metric: 'ttftP50', bound: 'most', goal: 0.2 },
  },
  {
    ...{ ...defaults, label: 'cold burst, requests a second', workload: 'W5', name: 'cold' },
    ...{ metric: 'requestsPerSecond', bound: 'least', goal: 2.5 },
  },
  {
    ...{ ...defaults, label: 'warm burst, requests a second', workload: 'W5', name: 'warm' },
    ...{ metric: 'requestsPerSecond', bound: 'least', goal: 1 },
  },
  { ...rate, label: 'conversations, tok/s', workload: 'W6', name: 'all', goal: 1 },
  {
    ...{ ...defaults, label: 'decoding beside long prompts, inter-token p99', workload: 'W4' },
    ...{ name: 'all', metric: 'itlP99', bound: 'most', goal: 0.6 },
  },
  {
    ...{ ...defaults, label: 'the same against default flags', other: 'llama-server' },
    ...{ workload: 'W4', name: 'all', metric: 'itlP99', bound: 'most', goal: 0.1 },
  },
  { ...rate, label: 'decoding beside long prompts, tok/s', workload: 'W4', name: 'all', goal: 1 },
  {
    ...{ ...defaults, label: 'the same, long prompts with a first text', workload: 'W4' },
    ...{ name: 'all', metric: 'served', bound: 'least', goal: 1 },
  },
  { ...rate, label: 'copying, one stream, tok/s', workload: 'W9', name: '1', goal: 1 },
  {
    ...{ ...rate, label: 'the same, with guesses and without', workload: 'W9', name: '1' },
    ...{ metric: 'guessedPerSecond', otherMetric: 'unguessedPerSecond' },
    ...{ arm: 'engine', other: 'engine', goal: 1.1 },
  },
  {
    ...{ ...rate, label: 'JSON by a schema, 8 streams, tok/s', workload: 'W8', name: 'schema' },
    goal: 1,
  },
  {
    ...{ ...rate, label: 'the same against free text', workload: 'W8', name: 'schema' },
    ...{ other: 'ours', otherName: 'free', goal: 0.9 },
  },
  {
    ...{ ...rate, label: 'text with the likeliest 5 tokens, 8 streams, tok/s' },
    ...{ workload: 'logprobs', name: 'logprobs', goal: 1 },
  },
  {
    ...{ ...rate, label: 'through the API against past it, 16 streams, tok/s', workload: 'wire' },
    ...{ name: 'api', arm: 'engine', other: 'engine', otherName: 'engine', goal: 0.97 },
  },
  {
    ...{ ...defaults, label: '1.5x overload, requests inside the TTFT limit', workload: 'W10' },
    ...{ name: 'all', metric: 'inTime', bound: 'least', goal: 1.5 },
  },
  {
    ...{ ...defaults, label: 'restart with a 1,000-token system prompt, TTFT', workload: 'W11' },
    ...{ name: 'restart', metric: 'ttft', bound: 'most', goal: 0.2 },
  },
  {
    ...{ ...defaults, label: 'process start to first token', workload: 'W11', name: 'start' },
    ...{ metric: 'firstTokenMs', bound: 'most', goal: 1.3 },
  },
  {
    ...{ ...defaults, label: 'TTFT right after a storm of disconnects', workload: 'W12' },
    ...{ name: 'storm', metric: 'nextTtft', bound: 'most', goal: 1 },
  },
  {
    ...{ ...defaults, label: 'memory slope over a soak, MiB per thousand requests' },
    ...{ workload: 'W13', name: 'all', metric: 'mibPerThousand' },
    ...{ as: 'difference', bound: 'most', goal: 1 },
  },
  {
    ...{ ...rate, label: 'two servers on the same cores, tok/s of both', workload: 'shared' },
    ...{ name: 'two', goal: 1 },
  },
  {
    ...{ ...rate, label: 'the same against one alone', workload: 'shared', name: 'two' },
    ...{ other: 'ours', otherName: 'one', goal: 0.8 },
  },
  {
    ...{ ...rate, ...hop(16), goal: 0.97 },
    label: 'through the gateway against past it, 16 streams, tok/s',
  },
  ...[16, 1].map((streams): Goal => ({
    ...{ ...hop(streams), metric: 'hopMs', as: 'difference', bound: 'most', goal: 3 },
    label: `the same, ${streams === 1 ? '1 stream' : '16 streams'}, TTFT outside the model server, ms`,
  })),
  {
    ...{ ...defaults, label: 'peak memory (PSS of all processes), 16 streams', workload: 'W1' },
    ...{ name: '16', metric: 'peakMiB', bound: 'most', goal: 1.15 },
  },
]

/** Share of an arm's processor time that others took, beyond which a figure is to be taken again. */
export const DISTURBED = 0.05

function disturbance(
  results: Results,
  where: { workload: string; name: string; arm: string },
): number {
  const [others, own] = ['otherCpuSeconds', 'cpuSeconds'].map((metric) =>
    median(valuesOf(results, { ...where, metric })),
  )
  return (others ?? NaN) / (own ?? NaN)
}

/** Undefined where it is not known of both sides and not too much of either. */
function disturbedIn(shares: readonly number[]): boolean | undefined {
  if (shares.some((share) => share > DISTURBED)) return true
  return shares.every(Number.isFinite) ? false : undefined
}

const COMPARE = { ratio: ratioOf, difference: differenceOf }
const COMPARE_IN_PAIRS = { ratio: pairedRatioOf, difference: pairedDifferenceOf }

/** Goals whose two arms were measured. Pure. */
export function judge(results: Results, goals: readonly Goal[] = GOALS): Judged[] {
  return goals.flatMap((goal) => {
    const { workload, arm } = goal
    const other = opponentOf(results, goal)
    const mine = valuesOf(results, goal)
    const theirs = theirValues(results, goal, other)
    if (mine.length === 0 || theirs.length === 0) return []
    // Two figures of an arm are of the same runs, on the same server, in turn: what a run was like meets both.
    const compare = (other === arm ? COMPARE_IN_PAIRS : COMPARE)[goal.as]
    const compared = compare(mine, theirs)
    const runs = Math.min(mine.length, theirs.length)
    const disturbed = disturbedIn([
      disturbance(results, goal),
      disturbance(results, { workload, name: goal.otherName ?? goal.name, arm: other }),
    ])
    return [
      {
        ...{ ...goal, other, compared, runs, disturbed },
        ...{ ours: medianOf(mine), theirs: medianOf(theirs) },
        verdict: verdictOf(goal, compared, runs),
        together: results[workload]?.[arm]?.at === results[workload]?.[other]?.at,
      },
    ]
  })
}

const theirValues = (results: Results, goal: Goal, arm: string): number[] =>
  valuesOf(results, {
    ...{ workload: goal.workload, arm },
    ...{ name: goal.otherName ?? goal.name, metric: goal.otherMetric ?? goal.metric },
  })

/** Flags that a search found may do worse in a metric that it did not look at: nobody wins by them. */
function opponentOf(results: Results, goal: Goal): string {
  if (goal.other !== BEST) return goal.other
  const best = median(theirValues(results, goal, BEST))
  const plain = median(theirValues(results, goal, DEFAULT))
  const better = goal.bound === 'least' ? plain > best : plain < best
  return better ? DEFAULT : BEST
}

/** What floating point may take from a figure that meets its goal exactly. */
const ROUNDING = 1e-9

function verdictOf({ bound, goal }: Goal, { value, low, high }: Estimate, runs: number): Verdict {
  const ends = runs === 1 ? [value] : [low, high]
  if (ends.some(Number.isNaN)) return 'undecided'
  const met = ends.map((end) =>
    bound === 'least' ? end >= goal - ROUNDING : end <= goal + ROUNDING,
  )
  if (met.every(Boolean)) return 'reached'
  return met.some(Boolean) ? 'undecided' : 'not reached'
}
