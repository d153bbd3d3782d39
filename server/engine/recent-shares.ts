import type { Waiting } from './fair-class.ts'

interface Row {
  waiting: number
  /** As of the turn `at`. */
  share: number
  at: number
}

/** Turns over which a share is averaged. */
const TURNS = 32
const FORGOTTEN = 1 / 64

/**
 * Which part of the turns each tenant got lately in its priority. Those who come after a request and
 * are served before it are not in the queue yet when it is judged; their habit is known from here.
 */
export class RecentShares {
  readonly #rows = new Map<string, Row>()
  #turn = 0

  enter(request: Waiting): void {
    const key = keyOf(request)
    const row = this.#rows.get(key) ?? { waiting: 0, share: 0, at: this.#turn }
    row.waiting++
    this.#rows.set(key, row)
  }

  leave(request: Waiting): void {
    const row = this.#rows.get(keyOf(request))
    if (row !== undefined) row.waiting--
  }

  /** It left because its turn came. */
  served(request: Waiting): void {
    this.#turn++
    const row = this.#rows.get(keyOf(request))
    if (row === undefined) return
    row.share = this.#now(row) + 1 / TURNS
    row.at = this.#turn
  }

  /** Turns of anybody until one more request has its own, if all go on as lately. */
  turnsUntil(request: Waiting): number {
    const own = keyOf(request)
    let others = 0
    let takenByOthers = 0
    for (const [key, row] of this.#rows) {
      const share = this.#now(row)
      if (row.waiting === 0 && share < FORGOTTEN) this.#rows.delete(key)
      else if (key !== own) {
        others++
        takenByOthers += share
      }
    }
    // Fairness gives it so much, however little it asked for lately.
    const share = Math.max(1 - takenByOthers, 1 / (others + 1))
    return ((this.#rows.get(own)?.waiting ?? 0) + 1) / share
  }

  #now({ share, at }: Row): number {
    return share * (1 - 1 / TURNS) ** (this.#turn - at)
  }
}

const keyOf = ({ priority, tenant }: Waiting) => `${priority} ${tenant}`
