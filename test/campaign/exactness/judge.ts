/** Whether a difference between two greedy answers is a tie. Pure. */

/** A greedy answer decoded alone: the prompt but its last token, then one row a step. */
export interface Alone {
  tokens: number[]
  /** By token: distance of the two highest logits when it was chosen. */
  gaps: number[]
  /** By token: length of the answer's text once it is part of it. */
  ends: number[]
  text: string
}

export interface Difference {
  /** Number of the first token that differs. */
  at: number
  /** The gap there. */
  gap: number
  tie: boolean
}

/** Two logits closer than this are one: rounding decides. */
export const TIE_GAP = 1e-3
/** Half a character at the end of an answer is no difference. */
const HALF = /\uFFFD+$/

/** undefined: they are equal. */
export function differenceOf(one: string, other: string, alone: Alone): Difference | undefined {
  const [a, b] = [one.replace(HALF, ''), other.replace(HALF, '')]
  if (a === b) return undefined
  // Beyond where the run alone left either of them its gaps say nothing.
  const same = Math.min(common(a, b), ...[a, b].map((text) => sharedWith(text, alone.text)))
  const { at, gap } = choiceAt(same, alone)
  return { at, gap, tie: gap < TIE_GAP }
}

/**
 * The choice that gave the first character beyond `same`. Where it took several tokens, any of them may
 * be the one that differs: the closest of them counts.
 */
function choiceAt(same: number, { ends, gaps }: Alone): { at: number; gap: number } {
  const reached = same === 0 ? -1 : ends.findIndex((end) => end >= same)
  const passed = ends.findIndex((end) => end > same)
  const last = passed < 0 ? gaps.length - 1 : passed
  const first = Math.min(ends[reached] === same || same === 0 ? reached + 1 : reached, last)
  const among = gaps.slice(Math.max(first, 0), last + 1)
  const gap = Math.min(...among)
  return { at: Math.max(first, 0) + among.indexOf(gap), gap }
}

/** Infinity where `text` is all of it, so that it bounds nothing. */
function sharedWith(text: string, alone: string): number {
  const shared = common(text, alone)
  return shared === text.length && shared === alone.length ? Infinity : shared
}

function common(a: string, b: string): number {
  const end = Math.min(a.length, b.length)
  let same = 0
  while (same < end && a[same] === b[same]) same++
  return same
}
