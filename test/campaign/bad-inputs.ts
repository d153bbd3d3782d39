import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { HTTP_ERRORS } from '../../server/errors.ts'
import type { HttpErrorCode } from '../../server/errors.ts'
import { randomNumbers } from '../bench/engine/statistics.ts'
import { connectTo, errorCodeOf, responsesIn } from '../helpers/raw-http.ts'
import type { RawResponse } from '../helpers/raw-http.ts'
import { chatBody, headers } from '../helpers/roles.ts'
import { type Input, MOST_BODY_BYTES, inputOf } from './bad-inputs/inputs.ts'
import { type RawInput, rawInputOf } from './bad-inputs/raw-inputs.ts'
import { type Outcome, type Settings, firstOf, show } from './campaign.ts'
import { EdgeSite, type RoleName } from './edge-site.ts'

const CLIENTS = 32
/** Of all inputs; each takes a connection of its own. */
const RAW_SHARE = 0.02
/** Of all inputs: past the gateway, which lets few of the others through. */
const PAST_GATEWAY_SHARE = 0.25
/** Of a whole request: so long a pause in its middle is waited for. */
const RECEIVE_MS = 1000
const ANSWER_MS = 20_000
/** V8 keeps what it once needed under load; beyond that something of a request is kept. */
const MOST_GROWTH_MIB = 200
const MOST_DELAY_MS = 100
/** Of fewer, the time that the machine gives to others is more than what inputs cost. */
const LEAST_JUDGED = 100_000
const SAY_EVERY = 20_000
const SETTLE_MS = 1500
const ROLES: readonly RoleName[] = ['gateway', 'model']

interface Tally {
  refused: number
  /** Right after all. */
  answered: number
  raw: number
  byCode: Map<string, number>
  failures: string[]
}

/** Wrong requests of every kind that can be made of right ones, and what is no request at all. */
export async function badInputs({ size, say }: Pick<Settings, 'size' | 'say'>): Promise<Outcome> {
  const limits = { maxBodyBytes: MOST_BODY_BYTES, requestReceiveMs: RECEIVE_MS }
  const site = await EdgeSite.open({ limits, answer: { pieces: 3, bytes: 4 } })
  const pools = poolsOf(site)
  const tally: Tally = { refused: 0, answered: 0, raw: 0, byCode: new Map(), failures: [] }
  try {
    // One right request, and what the start left behind is not counted.
    const before = await serves(pools.gateway)
    await sleep(SETTLE_MS)
    const memory = await memoryOf(site)
    const pids = await pidsOf(site)
    site.beginWatch()
    const began = performance.now()
    await ask(site, pools, size, tally, say)
    const seconds = (performance.now() - began) / 1000
    await sleep(SETTLE_MS)
    const ended = site.ended()
    if (ended.length > 0) return { figures: [], failures: firstOf([...ended, ...tally.failures]) }
    if (!before || !(await serves(pools.gateway)))
      tally.failures.push('a right request was not answered')
    if ((await pidsOf(site)).join() !== pids.join()) tally.failures.push('a process was replaced')
    return await outcomeOf(site, tally, memory, seconds)
  } finally {
    for (const name of ROLES) await pools[name].destroy()
    await site.close()
  }
}

type Pools = Record<RoleName, Pool>

function poolsOf(site: EdgeSite): Pools {
  const poolOf = (name: RoleName) =>
    new Pool(site.url(name), { connections: CLIENTS, headersTimeout: ANSWER_MS })
  return { gateway: poolOf('gateway'), model: poolOf('model') }
}

async function ask(
  site: EdgeSite,
  pools: Pools,
  size: number,
  tally: Tally,
  say: (line: string) => void,
): Promise<void> {
  const random = randomNumbers(41)
  const client = async () => {
    while (tally.refused < size && tally.failures.length < 100) {
      const before = tally.refused
      const name = random() < PAST_GATEWAY_SHARE ? 'model' : 'gateway'
      if (random() < RAW_SHARE) await askRaw(site.url(name), rawInputOf(random), tally)
      else await askOne(pools[name], inputOf(random), tally)
      if (Math.floor(before / SAY_EVERY) < Math.floor(tally.refused / SAY_EVERY)) {
        say(`${tally.refused} of ${size} refused`)
      }
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
}

async function askOne(
  pool: Pool,
  { kind, method, path, headers: sent, body, must }: Input & { kind: string },
  tally: Tally,
): Promise<void> {
  try {
    const asked = { method: method as 'POST', path, headers: sent, body }
    const response = await pool.request(asked)
    const text = await response.body.text()
    if (response.statusCode === 200 && must === 'unknown') tally.answered++
    else judge(response.statusCode, text, must, tally)
  } catch (error) {
    tally.failures.push(`${kind}: ${wordsOf(error)}`)
  }
}

async function askRaw(
  url: string,
  input: RawInput & { kind: string },
  tally: Tally,
): Promise<void> {
  const client = connectTo(url)
  tally.raw++
  try {
    client.socket.write(input.bytes)
    if (input.ends) client.socket.end()
    const responses = await answersOf(client.closed, client.text, input.answers)
    if (responses.length < input.answers) throw new Error(`${responses.length} answers`)
    for (const { status, body } of responses) {
      if (status === 200 && input.must === undefined) tally.answered++
      else if (status >= 200) judge(status, body, input.must ?? 'refused', tally)
    }
  } catch (error) {
    const shown = JSON.stringify(String(input.bytes).slice(0, 80))
    tally.failures.push(`raw, ${input.kind}: ${wordsOf(error)} to ${shown}`)
  } finally {
    client.socket.destroy()
  }
}

/** As many as are due, or all that came until the server closed. */
async function answersOf(
  closed: Promise<string>,
  text: () => string,
  count: number,
): Promise<RawResponse[]> {
  const end = performance.now() + ANSWER_MS
  let over = false
  void closed.then(() => (over = true))
  for (;;) {
    const whole = responsesIn(text()).filter((response) => response.whole)
    if (over || whole.length >= count) return whole
    if (performance.now() > end) throw new Error('no answer')
    await Promise.race([closed, sleep(5)])
  }
}

/** A typed error in the shape of OpenAI, with the status of its code, and with the code that is due. */
function judge(status: number, body: string, must: Input['must'], tally: Tally): void {
  const code = errorCodeOf(body)
  const row = HTTP_ERRORS[code as HttpErrorCode] as { status: number } | undefined
  if (status < 400 || status >= 500 || row?.status !== status) {
    throw new Error(`${status} ${code}`)
  }
  if (must !== 'refused' && must !== 'unknown' && must !== code) {
    throw new Error(`${code} instead of ${must}`)
  }
  tally.refused++
  tally.byCode.set(code, (tally.byCode.get(code) ?? 0) + 1)
}

const wordsOf = (error: unknown) => (error as Error).message.slice(0, 200)

async function serves(pool: Pool): Promise<boolean> {
  const body = JSON.stringify(chatBody())
  const asked = { method: 'POST', path: '/v1/chat/completions', headers: headers(), body } as const
  try {
    const response = await pool.request(asked)
    return response.statusCode === 200 && (await response.body.text()).includes('chat.completion')
  } catch {
    return false
  }
}

const memoryOf = (site: EdgeSite) => Promise.all(ROLES.map((name) => site.memoryMiB(name)))
const pidsOf = async (site: EdgeSite) =>
  (await Promise.all(ROLES.map((name) => site.watched(name)))).map(({ pid }) => pid)

async function outcomeOf(
  site: EdgeSite,
  { refused, answered, raw, byCode, failures }: Tally,
  memory: readonly number[],
  seconds: number,
): Promise<Outcome> {
  const figures: [string, string][] = [
    ['wrong requests, each refused with a typed 4xx', String(refused)],
    ['spoilt requests that were right after all, answered 200', String(answered)],
    ['of all, on a connection of their own, byte by byte', String(raw)],
    ['a second', show((refused + answered) / seconds)],
  ]
  for (const [at, name] of ROLES.entries()) {
    const { p99Ms, mostMs, memoryMiB } = await site.watched(name)
    const before = memory[at] ?? NaN
    const mib = [before, memoryMiB].map(show).join(' / ')
    figures.push([`${name}: event loop late, ms: p99 / most`, `${show(p99Ms)} / ${show(mostMs)}`])
    figures.push([`${name}: memory, MiB: before / after`, mib])
    if (refused >= LEAST_JUDGED && p99Ms > MOST_DELAY_MS)
      failures.push(`${name}: the event loop's p99 is ${show(p99Ms)} ms`)
    if (!(memoryMiB - before <= MOST_GROWTH_MIB))
      failures.push(`${name}: ${show(memoryMiB - before)} MiB more than before`)
  }
  for (const [code, count] of [...byCode].sort(([a], [b]) => a.localeCompare(b))) {
    figures.push([`\`${code}\``, String(count)])
  }
  return { figures, failures: firstOf(failures) }
}
