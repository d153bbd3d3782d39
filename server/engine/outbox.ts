import type { DraftStats, ShapingStats } from './engine.ts'
import type { Answer } from './protocol.ts'
import type { Stream } from './stream.ts'

/** What all streams have to say after a step. */
export interface Round {
  answers: Answer[]
  /** A batch was decoded since the last one. */
  stepped: boolean
  /** Cells that requests under way use. */
  kvTokens: number
  running: number
  waiting: number
  /** Since the last round, as `shaping`. */
  drafts: DraftStats
  shaping: ShapingStats
}

const NO_DRAFTS: DraftStats = { accepted: 0, rejected: 0 }
const NO_SHAPING: ShapingStats = { padRows: 0, moves: 0, copies: 0 }

/** Gathers what there is to say until a round is sent. */
export class Outbox {
  readonly #report: (round: Round) => void
  #answers: Answer[] = []
  #stepped = false
  #drafts = { ...NO_DRAFTS }
  #shaping = { ...NO_SHAPING }

  constructor(report: (round: Round) => void) {
    this.#report = report
  }

  /** A batch was decoded. */
  step(): void {
    this.#stepped = true
  }

  /** Its first piece comes with its first token. */
  say(stream: Stream): void {
    const piece = stream.piece()
    if (piece !== undefined) this.#answers.push({ id: stream.id, kind: 'piece', piece })
  }

  drafted({ accepted, rejected }: DraftStats): void {
    this.#drafts.accepted += accepted
    this.#drafts.rejected += rejected
  }

  shaped(what: keyof ShapingStats, times: number): void {
    this.#shaping[what] += times
  }

  end(id: number): void {
    this.#answers.push({ id, kind: 'end' })
  }

  /** Its logits are no numbers: of this prompt alone, so nobody else ends with it. */
  fail(id: number): void {
    this.#answers.push({ id, kind: 'error', code: 'failed', message: 'no token could be sampled' })
  }

  refuse(id: number, code: 'queue_full' | 'too_late', retryAfterMs: number): void {
    const retryAfterS = Math.max(1, Math.ceil(retryAfterMs / 1000))
    this.#answers.push({ id, kind: 'error', code, message: code, retryAfterS })
  }

  /** Sends what there is; nothing when there is nothing to say. */
  flush(load: () => Pick<Round, 'kvTokens' | 'running' | 'waiting'>): void {
    if (this.#answers.length === 0 && !this.#stepped) return
    this.#report({
      answers: this.#answers,
      stepped: this.#stepped,
      drafts: this.#drafts,
      shaping: this.#shaping,
      ...load(),
    })
    this.#answers = []
    this.#stepped = false
    this.#drafts = { ...NO_DRAFTS }
    this.#shaping = { ...NO_SHAPING }
  }
}
