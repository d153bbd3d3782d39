import type { HttpErrorCode } from '../../../server/errors.ts'
import { rawPost } from '../../helpers/raw-http.ts'
import { chatBody } from '../../helpers/roles.ts'
import { type Kinds, type Random, below, drawKind, pick } from './spoil.ts'

/** What is written to a connection of its own. */
export interface RawInput {
  bytes: Buffer | string
  /** The client closes its half behind it. */
  ends: boolean
  /** What the first answer must be; undefined: any that is typed. */
  must?: HttpErrorCode
  answers: number
}

const GET = 'GET /v1/models HTTP/1.1\r\nhost: a\r\nconnection: close\r\n'

/** Each is no request of HTTP/1.1. */
const NO_REQUEST: readonly string[] = [
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\r\n\r\n',
  'SSH-2.0-OpenSSH_9.9\r\n',
  '*1\r\n$4\r\nPING\r\n',
  'CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n',
  'GET /v1/models HTTP/9.9\r\nhost: a\r\n\r\n',
  'GET /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n',
  'get /v1/models HTTP/1.1\r\nhost: a\r\n\r\n',
  `${GET}a b: c\r\n\r\n`,
  `${GET}: c\r\n\r\n`,
  `${GET}x: a\u0000b\r\n\r\n`,
  `${GET}x: a\u0001b\r\n\r\n`,
  `${GET}content-length: 1\r\nContent-Length: 2\r\n\r\n`,
  `${GET}content-length: -1\r\n\r\n`,
  `${GET}content-length: 1e3\r\n\r\n`,
  `${GET}content-length: 0x10\r\n\r\n`,
  `${GET}content-length: ${'9'.repeat(40)}\r\n\r\n`,
  `${GET}transfer-encoding: gzip\r\n\r\n`,
  `${GET}transfer-encoding: chunked, gzip\r\n\r\n`,
  `${GET}transfer-encoding: xchunked\r\n\r\n`,
  rawPost(chatBody(), { 'transfer-encoding': 'chunked' }),
]

const chunked = (chunks: string) =>
  rawPost(chatBody(), { 'content-length': '', 'transfer-encoding': 'chunked' })
    .replace('content-length: \r\n', '')
    .replace(/\r\n\r\n[^]*$/, `\r\n\r\n${chunks}`)

const WRONG_CHUNKS = ['zz\r\na\r\n', '-1\r\na\r\n', '2\r\nabc\r\n', 'ffffffffffffffffff\r\n', '1;\u0000\r\na\r\n'] // prettier-ignore

/** Refused with that, and with nothing else. */
const refused = (must: HttpErrorCode, bytes: RawInput['bytes'], ends = false): RawInput => ({
  ...{ bytes, ends, must, answers: 1 },
})

type Make = (random: Random) => RawInput

/** How often each kind comes, and how one is made. */
const RAW_KINDS: Kinds<Make> = {
  'random bytes': [
    20,
    (random) => {
      const noise = Array.from({ length: 1 + below(random, 400) }, () => below(random, 256))
      // An empty line before a request would be passed over.
      return refused('bad_request', Buffer.from([1, ...noise]), true)
    },
  ],
  'no request': [20, (random) => refused('bad_request', pick(random, NO_REQUEST))],
  'a request with another byte': [20, flipped],
  'a request that is cut off': [
    15,
    (random) => {
      const text = rawPost()
      return refused('bad_request', text.slice(0, 1 + below(random, text.length - 1)), true)
    },
  ],
  'wrong chunks': [10, (random) => refused('bad_request', chunked(pick(random, WRONG_CHUNKS)))],
  'many at once': [
    10,
    (random) => {
      const answers = 2 + below(random, 8)
      const bytes = WRONG.repeat(answers - 1) + LAST
      return { bytes, ends: false, must: 'invalid_value', answers }
    },
  ],
  'headers that never end': [5, () => refused('headers_too_large', ENDLESS)],
  'a pause in the body': [5, () => refused('request_timeout', rawPost().slice(0, -10))],
}

const ENDLESS = `${GET}${'x: y\r\n'.repeat(4000)}`
const WRONG = rawPost({ model: 7 })
const LAST = rawPost({ model: 7 }, { connection: 'close' })

export function rawInputOf(random: Random): RawInput & { kind: string } {
  const [kind, make] = drawKind(random, RAW_KINDS)
  return { ...make(random), kind }
}

/** One byte of the head is another one. What it is then, and whether it is whole, is not known. */
function flipped(random: Random): RawInput {
  const text = random() < 0.5 ? `${GET}\r\n` : LAST
  const bytes = Buffer.from(text, 'latin1')
  bytes[below(random, text.indexOf('\r\n\r\n'))] = below(random, 256)
  return { bytes, ends: false, answers: 1 }
}
