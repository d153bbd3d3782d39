import { connect } from 'node:net'
import { HttpError } from '../../errors.ts'

const PROBE_MS = 100
/** Some networks drop what is for a Service without an endpoint: asked anew, the next try may meet one. */
const CONNECT_MS = 500
/** Of held requests' bodies together; the gateway's memory is small. */
const MOST_HELD_BYTES = 64 * 1_048_576

/** What all held requests of a gateway share. */
export class HeldBytes {
  #bytes = 0
  readonly most: number

  constructor(most = MOST_HELD_BYTES) {
    this.most = most
  }

  /** false: there is no room. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.most) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** Where requests wait until the model's Service has an endpoint; one probe for all of them. */
export class Gate {
  readonly #host: string
  readonly #port: number
  readonly #most: number
  readonly #bytes: HeldBytes
  readonly #waiting = new Set<() => void>()
  #held = 0
  #probing = false

  /** `url`: of the Service. `most`: requests held at once. */
  constructor(url: string, most: number, bytes: HeldBytes) {
    const { hostname, port } = new URL(url)
    this.#host = hostname
    this.#port = Number(port || 80)
    this.#most = most
    this.#bytes = bytes
  }

  /** Takes a place, and returns what gives it back; throws when there is none. */
  enter(bytes: number): () => void {
    if (this.#held >= this.#most || !this.#bytes.take(bytes)) {
      throw new HttpError('too_many_held')
    }
    this.#held++
    return () => {
      this.#held--
      this.#bytes.give(bytes)
    }
  }

  /** Resolves when something accepts connections; rejects with model_starting after `mostMs`, and when `gone` aborts. */
  opened(gone: AbortSignal, mostMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer)
        gone.removeEventListener('abort', leave)
        this.#waiting.delete(pass)
        end()
      }
      const pass = () => settle(resolve)
      const leave = () => settle(() => reject(gone.reason as Error))
      const late = () => settle(() => reject(new HttpError('model_starting')))
      const timer = setTimeout(late, mostMs)
      this.#waiting.add(pass)
      if (gone.aborted) leave()
      else gone.addEventListener('abort', leave, { once: true })
      if (!this.#probing) this.#probe()
    })
  }

  /** The first look comes after a pause too: whoever waits has just been refused. */
  #probe(): void {
    this.#probing = this.#waiting.size > 0
    if (!this.#probing) return
    setTimeout(() => {
      const socket = connect({ host: this.#host, port: this.#port, timeout: CONNECT_MS })
      const again = () => {
        socket.destroy()
        this.#probe()
      }
      socket.once('timeout', again)
      socket.once('error', again)
      socket.once('connect', () => {
        for (const pass of [...this.#waiting]) pass()
        again()
      })
    }, PROBE_MS)
  }
}
