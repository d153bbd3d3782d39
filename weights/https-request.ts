import { request } from 'undici'
import type { Dispatcher } from 'undici'

const MAX_REDIRECTS = 5

/** Asking again would bring the same. */
export class Refused extends Error {}

/** GET; no header but these goes along, and no redirect leaves https. Throws Refused, and errors of the connection. */
export async function getOverHttps(
  url: string,
  headers: Readonly<Record<string, string>>,
  dispatcher: Dispatcher,
): Promise<Dispatcher.ResponseData> {
  let at = url
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    if (!at.startsWith('https://')) throw new Refused(`${url} leads away from https`)
    const answer = await request(at, { dispatcher, headers })
    const location = answer.headers.location
    if (answer.statusCode < 300 || answer.statusCode >= 400 || typeof location !== 'string') {
      return answer
    }
    answer.body.destroy()
    at = new URL(location, at).href
  }
  throw new Refused(`${url} redirects more than ${MAX_REDIRECTS} times`)
}
