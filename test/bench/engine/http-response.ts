/**
 * Reads HTTP/1.1 answers from a connection: the payload of each server-sent event as it arrives, or
 * a body as a whole. As lean as the figures need: text is taken byte for byte (latin1).
 */
export class HttpResponse {
  status = 0
  done = false
  /** The server ends the connection after this answer. */
  closes = false
  /** What came that is no event: an error's JSON. */
  body = ''
  #head = true
  #chunked = false
  #left = 0
  #raw = ''
  #text = ''

  /** Payloads of the events that are whole now. */
  push(data: string): string[] {
    this.#raw += data
    if (this.#head && !this.#readHead()) return []
    if (this.#chunked) this.#readChunks()
    else this.#readPlain()
    return this.#events()
  }

  #readHead(): boolean {
    const end = this.#raw.indexOf('\r\n\r\n')
    if (end < 0) return false
    const head = this.#raw.slice(0, end)
    this.#raw = this.#raw.slice(end + 4)
    this.#head = false
    this.status = Number(head.slice(9, 12))
    this.closes = /\r\nconnection: *close/i.test(head)
    this.#chunked = /\r\ntransfer-encoding: *chunked/i.test(head)
    this.#left = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    return true
  }

  #readChunks(): void {
    while (!this.done) {
      const line = this.#raw.indexOf('\r\n')
      if (line < 0) return
      const size = Number.parseInt(this.#raw, 16)
      const end = line + 2 + size + 2
      if (this.#raw.length < end) return
      this.#text += this.#raw.slice(line + 2, line + 2 + size)
      this.#raw = this.#raw.slice(end)
      if (size === 0) this.done = true
    }
  }

  #readPlain(): void {
    const taken = this.#raw.slice(0, this.#left)
    this.#text += taken
    this.#raw = this.#raw.slice(taken.length)
    this.#left -= taken.length
    this.done = this.#left === 0
  }

  #events(): string[] {
    const events: string[] = []
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end < 0) break
      const block = this.#text.slice(0, end)
      this.#text = this.#text.slice(end + 2)
      if (block.startsWith('data:')) events.push(block.slice(5).trimStart())
    }
    if (this.done) this.body = this.#text
    return events
  }
}
