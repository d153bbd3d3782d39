import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { EnvHttpProxyAgent } from 'undici'
import type { Dispatcher } from 'undici'
import { Refused, getOverHttps } from './https-request.ts'

const ATTEMPTS = 4
const STALLED_MS = 60_000
const FIRST_PAUSE_MS = 250

export interface HttpsDownload {
  url: string
  /** A longer body is cut off at once: it cannot be the file. */
  bytes: number
}

/**
 * Downloads into `path` through HTTPS_PROXY and NO_PROXY; a broken connection goes on where it ended.
 * No header of ours goes along, and no redirect leaves https. Throws Error.
 */
export async function fetchOverHttps(
  { url, bytes }: HttpsDownload,
  path: string,
  report: (detail: string) => void,
  dispatcher: Dispatcher = new EnvHttpProxyAgent({ bodyTimeout: STALLED_MS }),
): Promise<void> {
  const file = await open(path, 'w')
  try {
    let have = 0
    for (let attempt = 1; have < bytes; attempt++) {
      report(`downloading ${new URL(url).host} (${have} of ${bytes} bytes)`)
      try {
        have = await downloadRest(url, have, bytes, file, dispatcher)
        if (have < bytes) throw new Error(`the body ended after ${have} of ${bytes} bytes`)
      } catch (error) {
        have = (await file.stat()).size
        if (attempt === ATTEMPTS || !isTransient(error)) throw error
        await sleep(FIRST_PAUSE_MS * 2 ** attempt)
      }
    }
  } finally {
    await file.close()
    await dispatcher.close()
  }
}

const isTransient = (error: unknown) =>
  !(error instanceof Refused) && (error as NodeJS.ErrnoException).code !== 'ENOSPC'

/** Appends what is missing; returns the bytes that the file has then. */
async function downloadRest(
  url: string,
  have: number,
  bytes: number,
  file: FileHandle,
  dispatcher: Dispatcher,
): Promise<number> {
  const range: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {}
  const { statusCode, body } = await getOverHttps(url, range, dispatcher)
  let at = have
  if (statusCode === 200) {
    // The source cannot resume: begin again.
    await file.truncate(0)
    at = 0
  } else if (statusCode !== 206) {
    body.destroy()
    throw new Refused(`${url} answered ${statusCode}`)
  }
  for await (const chunk of body) {
    const part = chunk as Buffer
    if (at + part.length > bytes) throw new Refused(`${url} has more than ${bytes} bytes`)
    await file.write(part, 0, part.length, at)
    at += part.length
  }
  return at
}
