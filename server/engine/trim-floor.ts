/**
 * How far a slot may be trimmed after a state of `tokens` tokens was loaded into it; 0: freely. A state
 * leaves out keys and values that the sliding window has passed, also where the slot had kept them
 * (a full-size cache). Trimmed by more than one token, the window of the next one would reach into
 * that hole, and answers would be wrong without an error. `slidingWindow`: tokens; undefined or 0 for
 * models without one.
 */
export function trimFloor(tokens: number, slidingWindow: number | undefined): number {
  const holed = slidingWindow !== undefined && slidingWindow > 0 && tokens > slidingWindow
  return holed ? tokens - 1 : 0
}
