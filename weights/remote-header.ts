import { EnvHttpProxyAgent } from 'undici'
import type { Dispatcher } from 'undici'
import { KitError } from '../catalog/errors.ts'
import type { ByteSource } from './gguf/byte-source.ts'
import { Refused, getOverHttps } from './https-request.ts'

const STALLED_MS = 30_000
const FIRST_BYTES = 2 ** 20

/** A header that is longer than what was fetched. */
class Beyond extends Error {
  readonly needed: number

  constructor(needed: number) {
    super('beyond what was fetched')
    this.needed = needed
  }
}

/**
 * Reads the beginning of a file behind an https URL, as much of it as `work` looks at, through HTTPS_PROXY and
 * NO_PROXY. `work` may be called several times, and bounds what it looks at, as `readGguf` does. Throws KitError WEIGHTS_UNAVAILABLE, and what `work` throws.
 */
export async function withRemoteHeader<T>(
  url: string,
  work: (source: ByteSource) => T,
  dispatcher: Dispatcher = new EnvHttpProxyAgent({ bodyTimeout: STALLED_MS }),
): Promise<T> {
  let held: Buffer = Buffer.alloc(0)
  for (let wanted = FIRST_BYTES; ;) {
    const { rest, size } = await fetchRange(url, held.length, wanted, dispatcher)
    held = Buffer.concat([held, rest])
    try {
      return work(startOf(held, size))
    } catch (error) {
      if (!(error instanceof Beyond)) throw error
      wanted = Math.min(size, Math.max(error.needed, 2 * held.length))
    }
  }
}

const startOf = (held: Buffer, size: number): ByteSource => ({
  size,
  read: (at, target) => {
    const end = Math.min(size, at + target.length)
    if (end > held.length && at < size) throw new Beyond(end)
    return at < held.length ? held.copy(target, 0, at) : 0
  },
})

async function fetchRange(url: string, from: number, to: number, dispatcher: Dispatcher) {
  const headers = { range: `bytes=${from}-${to - 1}` }
  const answer = await getOverHttps(url, headers, dispatcher).catch((error: Error) => {
    throw unavailable(url, 'an answer', error instanceof Refused ? error.message : said(error))
  })
  const { statusCode, body } = answer
  if (statusCode !== 206) {
    body.destroy()
    const got = statusCode === 200 ? 'the whole file: it ignores ranges' : `status ${statusCode}`
    throw unavailable(url, 'a part of the file (status 206)', got)
  }
  const size = Number(/^bytes \d+-\d+\/(\d+)$/.exec(String(answer.headers['content-range']))?.[1])
  if (!Number.isSafeInteger(size)) {
    body.destroy()
    throw unavailable(url, 'a Content-Range with the size of the file', 'none')
  }
  const rest = await bodyOf(url, body, to - from)
  const least = Math.min(size, to) - from
  if (rest.length < least) throw unavailable(url, `${least} bytes`, `${rest.length}`)
  return { rest, size }
}

/** A longer body than asked for is cut off: it is no answer to the range. */
async function bodyOf(
  url: string,
  body: Dispatcher.ResponseData['body'],
  most: number,
): Promise<Buffer> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of body) {
    parts.push(part as Buffer)
    bytes += (part as Buffer).length
    if (bytes > most) throw unavailable(url, `at most ${most} bytes`, 'more than were asked for')
  }
  return Buffer.concat(parts)
}

const said = (error: Error) => (error as NodeJS.ErrnoException).code ?? error.message

const unavailable = (path: string, expected: string, got: string) =>
  new KitError('WEIGHTS_UNAVAILABLE', {
    path,
    expected,
    got,
    fix: 'check the URL, name a server that answers ranges, or fetch the file and name its path',
  })
