import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from '../bench/engine/statistics.ts'
import { connectTo, rawPost } from '../helpers/raw-http.ts'
import type { RawClient } from '../helpers/raw-http.ts'
import { chatBody, until } from '../helpers/roles.ts'
import { type Outcome, type Settings, firstOf, show } from './campaign.ts'
import { EdgeSite, type RoleName } from './edge-site.ts'

const SLOW_CLIENT_MS = 2000
/** 64 MiB a client, at a pace that both roles bear: far more than the kernels keep of it (8 MiB). */
const ANSWER = { pieces: 4096, bytes: 16_384, everyMs: 20 }
/** Until the kernels keep no more, and the limit, many times. */
const PATIENCE_MS = 90_000
const MOST_MIB_EACH = 1
/** Of fewer, what the processes need in any case is more than what clients cost. */
const LEAST_JUDGED = 50
const MOST_DELAY_MS = 100
const LOOK_MS = 200
const SAY_MS = 2000
const SETTLE_MS = 1500
const ROLES: readonly RoleName[] = ['gateway', 'model']

interface Seen {
  size: number
  /** When each was cut, after all had asked. */
  cutMs: number[]
  /** Of each role, MiB. */
  before: readonly number[]
  most: number[]
}

/** Clients that ask for a stream and never read a byte of it, all at once, through both roles. */
export async function slowReaders({ size, say }: Pick<Settings, 'size' | 'say'>): Promise<Outcome> {
  const limits = { slowClientMs: SLOW_CLIENT_MS, maxStreamsPerKey: size }
  const site = await EdgeSite.open({ limits, answer: ANSWER })
  const clients: RawClient[] = []
  try {
    await sleep(SETTLE_MS)
    const before = await memoryOf(site)
    const seen: Seen = { size, cutMs: [], before, most: [...before] }
    site.beginWatch()
    for (let count = 0; count < size; count++) clients.push(neverReads(site.url('gateway')))
    await watch(site, seen, say)
    return await outcomeOf(site, seen)
  } finally {
    for (const { socket } of clients) socket.destroy()
    await site.close()
  }
}

function neverReads(url: string): RawClient {
  const client = connectTo(url)
  client.socket.pause().write(rawPost(chatBody({ stream: true })))
  return client
}

/** Who does not read does not see that it was cut: the gateway says so. */
async function watch(
  site: EdgeSite,
  { size, cutMs, most }: Seen,
  say: (line: string) => void,
): Promise<void> {
  const began = performance.now()
  for (let said = 0; cutMs.length < size;) {
    const ms = performance.now() - began
    if (ms > PATIENCE_MS) return
    if (ms > said + SAY_MS) {
      said = ms
      say(`${cutMs.length} of ${size} are cut`)
    }
    const cut = await site.metric('gateway', TOO_SLOW).catch(() => 0)
    while (cutMs.length < cut) cutMs.push(ms)
    for (const [at, mib] of (await memoryOf(site)).entries()) {
      most[at] = Math.max(most[at] ?? 0, mib)
    }
    await sleep(LOOK_MS)
  }
}

const memoryOf = (site: EdgeSite) => Promise.all(ROLES.map((name) => site.memoryMiB(name)))

async function outcomeOf(site: EdgeSite, seen: Seen): Promise<Outcome> {
  const { size, cutMs, before, most } = seen
  const failures = site.ended()
  const inUse = () => site.metric('model', 'vllm:num_requests_running')
  await until(async () => (await inUse()) === 0, 'free', 10_000).catch(() => undefined)
  const spread = [0.5, 1].map((share) => show(quantile(cutMs, share) / 1000)).join(' / ')
  const figures: [string, string][] = [
    ['clients that never read', String(size)],
    ['limit for a client that takes nothing, s', show(SLOW_CLIENT_MS / 1000)],
    ['cut, the time until the kernels were full included, s: median / last', spread],
    ['slots in use at the end', String(await inUse())],
  ]
  if (cutMs.length < size) failures.push(`${size - cutMs.length} of ${size} were not cut`)
  if ((await inUse()) > 0) failures.push('slots leaked')
  for (const [at, name] of ROLES.entries()) {
    const each = ((most[at] ?? NaN) - (before[at] ?? NaN)) / size
    const { p99Ms } = await site.watched(name)
    figures.push([`${name}: memory a client, MiB`, show(each)])
    figures.push([`${name}: event loop late, ms: p99`, show(p99Ms)])
    if (size < LEAST_JUDGED) continue
    if (each > MOST_MIB_EACH) failures.push(`${name}: ${show(each)} MiB a client`)
    if (p99Ms > MOST_DELAY_MS) failures.push(`${name}: the event loop's p99 is ${show(p99Ms)} ms`)
  }
  return { figures, failures: firstOf(failures) }
}

const TOO_SLOW =
  'serantau_requests_total{route="/v1/chat/completions",status="left",code="client_too_slow"}'
