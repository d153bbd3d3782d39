import type { DecodeSlots } from './decode-slots.ts'
import type { Residents } from './residents.ts'
import type { SlotView } from './step-planner.ts'
import type { Stream } from './stream.ts'

/** Which answer is in which slot. */
export class SlotStreams {
  readonly #context: DecodeSlots
  readonly #residents: Residents
  readonly #canTruncate: boolean
  readonly #bySlot: (Stream | undefined)[]

  constructor(context: DecodeSlots, residents: Residents, canTruncate: boolean) {
    this.#context = context
    this.#residents = residents
    this.#canTruncate = canTruncate
    this.#bySlot = Array.from({ length: context.slots }, () => undefined)
  }

  /** undefined: free. */
  get bySlot(): readonly (Stream | undefined)[] {
    return this.#bySlot
  }

  get running(): Stream[] {
    return this.#bySlot.filter((stream) => stream !== undefined)
  }

  get free(): number[] {
    return this.#bySlot.flatMap((stream, slot) => (stream === undefined ? [slot] : []))
  }

  /** Of a slot that is taken. */
  at(slot: number): Stream {
    const stream = this.#bySlot[slot]
    if (stream === undefined) throw new Error(`slot ${slot} is empty`)
    return stream
  }

  put(stream: Stream): void {
    this.#bySlot[stream.slot] = stream
  }

  clear(slot: number): void {
    this.#bySlot[slot] = undefined
  }

  move(from: number, to: number): void {
    const stream = this.at(from)
    this.#bySlot[from] = undefined
    stream.slot = to
    this.#bySlot[to] = stream
  }

  /** Cells of the slot, of a stream or of what the last one left. */
  lengthOf(slot: number): number {
    return this.#residents.lengthOf(slot)
  }

  views(): SlotView[] {
    return this.#bySlot.map((stream, slot) => ({
      doing: stream === undefined ? 'nothing' : stream.due > 0 ? 'prefill' : 'decode',
      padable: this.#canTruncate && this.lengthOf(slot) < this.#context.contextSize,
    }))
  }
}
