/** `cut`: the answer ended within it. `malformed`: what came next cannot belong to it. */
export type Outcome = 'complete' | 'cut' | 'malformed'

/**
 * What an answer turns out to be, in its order. Calls are counted from 0; every call that begins
 * ends. The arguments of a complete call are a JSON object; those of the others are not closed, so
 * that no client can run half a call.
 */
export type OutputEvent =
  | { readonly type: 'content' | 'reasoning'; readonly text: string }
  | { readonly type: 'call-begin'; readonly index: number; readonly name: string }
  | { readonly type: 'call-arguments'; readonly index: number; readonly json: string }
  | { readonly type: 'call-end'; readonly index: number; readonly outcome: Outcome }

/** Events in their order; neighbours that say one thing are one. */
export class EventList {
  #events: OutputEvent[] = []

  add(event: OutputEvent): void {
    const last = this.#events.at(-1)
    const joined = last === undefined ? undefined : joinEvents(last, event)
    if (joined === undefined) this.#events.push(event)
    else this.#events[this.#events.length - 1] = joined
  }

  /** The events since the last call of this. */
  drain(): OutputEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }
}

function joinEvents(last: OutputEvent, next: OutputEvent): OutputEvent | undefined {
  if ('text' in last && 'text' in next && last.type === next.type) {
    return { type: last.type, text: last.text + next.text }
  }
  if (last.type !== 'call-arguments' || next.type !== 'call-arguments') return undefined
  return { ...last, json: last.json + next.json }
}
