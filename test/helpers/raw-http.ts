import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { API_KEY, chatBody } from './roles.ts'

/** A connection that is written to byte by byte. */
export interface RawClient {
  socket: Socket
  /** What came so far. */
  text: () => string
  /** Resolves with all that came, once the server has closed; also after a reset. */
  closed: Promise<string>
}

export function connectTo(url: string): RawClient {
  const { hostname, port } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
  let text = ''
  socket.setEncoding('utf8').on('data', (data: string) => (text += data))
  socket.on('error', () => undefined)
  const closed = new Promise<string>((resolve) => {
    const end = () => {
      socket.destroy()
      resolve(text)
    }
    socket.once('end', end).once('close', end)
  })
  return { socket, text: () => text, closed }
}

/** A whole request for an answer, as it goes over the wire. */
export function rawPost(body: object = chatBody(), more: Record<string, string> = {}): string {
  const payload = JSON.stringify(body)
  const headers = {
    ...{ host: 'a', authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    ...{ 'content-length': String(Buffer.byteLength(payload)), ...more },
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST /v1/chat/completions HTTP/1.1\r\n${lines.join('')}\r\n${payload}`
}

export interface RawResponse {
  status: number
  /** By lower-case name. */
  headers: Record<string, string>
  body: string
  /** false: of the last one only a part came. */
  whole: boolean
}

/** The responses of a connection, one behind the other, of which at least the headers came. */
export function responsesIn(text: string): RawResponse[] {
  const responses: RawResponse[] = []
  for (let rest = text; rest !== '';) {
    const head = rest.indexOf('\r\n\r\n')
    if (head < 0) return responses
    const [first = '', ...lines] = rest.slice(0, head).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1])
    if (!(status >= 100)) throw new Error(`no status: ${JSON.stringify(first.slice(0, 200))}`)
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
      }),
    )
    const { end, ...came } = bodyOf(headers, rest.slice(head + 4))
    responses.push({ status, headers, ...came })
    rest = rest.slice(head + 4 + end)
  }
  return responses
}

/** `end`: where the next response begins. Bodies of these tests are ASCII, so characters are bytes. */
function bodyOf(
  headers: Record<string, string>,
  text: string,
): { body: string; end: number; whole: boolean } {
  if (headers['transfer-encoding'] !== 'chunked') {
    const end = Number(headers['content-length'] ?? 0)
    return { body: text.slice(0, end), end, whole: text.length >= end }
  }
  let [body, at] = ['', 0]
  for (;;) {
    const line = text.indexOf('\r\n', at)
    const size = line < 0 ? NaN : Number.parseInt(text.slice(at, line), 16)
    if (Number.isNaN(size)) return { body, end: text.length, whole: false }
    body += text.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
    if (size === 0) return { body, end: at, whole: true }
  }
}

/** Code of the error that a body holds, in the shape of OpenAI; throws where it is something else. */
export function errorCodeOf(body: string): string {
  const { error } = JSON.parse(body) as { error: Record<string, unknown> }
  const { message, type, param, code } = error
  const typed = [message, type, code].every((each) => typeof each === 'string' && each !== '')
  if (!typed || !(param === null || typeof param === 'string')) throw new Error(`untyped: ${body}`)
  return code as string
}
