import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { API_KEY, headers, until } from '../helpers/roles.ts'
import { metric, modelConfig, startRole, untilReady, weightsOf } from '../helpers/real-role.ts'
import type { RealRole } from '../helpers/real-role.ts'

const MODEL = 'smollm2-135m-instruct'
const OTHER_KEY = 'sk-canary-of-another-tenant'
const MEMORY = '/dev/shm'

/** Long enough to be kept, different from the first words on. */
const rules = (what: string) =>
  `${what} is what you answer questions about. ` +
  'Give the law first, then the office that decides, then how long it takes. '.repeat(4)
const LISTED = [rules('Land'), rules('Water')]
const OWN = rules('Zanzibar')

let file = ''
/** States of all listed prompts, and what was answered from them. */
let saved = ''
let before: Awaited<ReturnType<typeof ask>>
/** A copy of them. */
let folder = ''
const roles: RealRole[] = []

beforeAll(async () => {
  file = await weightsOf(MODEL)
  saved = mkdtempSync(join(tmpdir(), 'serantau-states-'))
  const role = await startListed(saved)
  await untilSaved(saved)
  before = await ask(role, LISTED[1]!)
  await stopAll()
})
afterAll(async () => {
  await stopAll()
  rmSync(saved, { recursive: true })
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serantau-states-'))
  cpSync(saved, folder, { recursive: true })
})
afterEach(async () => {
  await stopAll()
  rmSync(folder, { recursive: true })
})
const stopAll = () => Promise.all(roles.splice(0).map((role) => role.stop()))

async function start(more: object, config: object = {}): Promise<RealRole> {
  const whole = { ...modelConfig(MODEL, file, { slots: 1, ...more }), ...config }
  const role = await startRole(whole, { keys: [API_KEY, OTHER_KEY] })
  roles.push(role)
  await untilReady(role)
  return role
}

/** One slot: what is not in it comes from elsewhere. */
const startListed = (state = folder) =>
  start({ systemPrompts: LISTED }, { state: { folder: state } })

async function ask(role: RealRole, system: string, key = API_KEY) {
  const messages = [
    { role: 'system', content: system },
    { role: 'user', content: 'Who decides?' },
  ]
  const body = { model: MODEL, messages, temperature: 0, max_tokens: 4 }
  const url = `${role.url}/v1/chat/completions`
  const init = { method: 'POST', headers: headers(key), body: JSON.stringify(body) }
  const { choices, usage } = (await (await fetch(url, init)).json()) as Answer
  const { prompt_tokens: prompt, prompt_tokens_details: details } = usage
  return { text: choices[0]?.message.content, prompt, cached: details.cached_tokens }
}

interface Answer {
  choices: { message: { content: string } }[]
  usage: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } }
}

const tokensFrom = (role: RealRole, source: string) =>
  metric(role, `serantau_prefix_cache_tokens_total{source="${source}"}`)

const states = (suffix: string, of = folder) =>
  readdirSync(of).filter((name) => /^[0-9a-f]{64}\./.test(name) && name.endsWith(suffix))
const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
/** Of every file of the folder: its name and the digest of its content. */
const contents = () =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, digestOf(readFileSync(join(folder, name)))]),
  )
/** The header of a state comes last. */
const untilSaved = (of = folder) => until(() => states('.json', of).length === 2, 'saved', 120_000)

const times = (role: RealRole, event: string) =>
  role.logged().split(`"event":"${event}"`).length - 1

describe('listed system prompts', () => {
  test('are served from their saved states after a restart, to every tenant', async () => {
    const role = await startListed()
    const first = await ask(role, LISTED[1]!)
    expect(first.text).toBe(before.text)
    expect(first.cached).toBeGreaterThan(60)
    expect(first.prompt - first.cached).toBeLessThan(20)
    expect(await tokensFrom(role, 'volume')).toBe(first.cached)
    // The slot holds what the first tenant asked: the other one gets the state, not the slot.
    expect(await ask(role, LISTED[1]!, OTHER_KEY)).toEqual(first)
    expect(await tokensFrom(role, 'volume')).toBe(2 * first.cached)
    expect(times(role, 'system_prompt_states_refused')).toBe(0)
  })

  test('are private when a tenant brings them himself', async () => {
    const role = await startListed()
    const listed = contents()
    expect((await ask(role, OWN)).cached).toBe(0)
    expect((await ask(role, OWN)).cached).toBeGreaterThan(60)
    // One slot: the other tenant displaces what the first one left in it.
    expect((await ask(role, OWN, OTHER_KEY)).cached).toBe(0)
    await stopAll()
    // Nothing of it is on the volume, which may be a disk: no file more, and none with another content.
    expect(contents()).toEqual(listed)
  })

  test('with a flipped byte in a saved state are refused once, and made anew', async () => {
    for (const name of states('.state')) flip(join(folder, name))
    const role = await startListed()
    expect(times(role, 'system_prompt_states_refused')).toBe(1)
    await until(() => role.logged().includes('"causes":{"damaged":2}'), 'logged')
    await untilSaved()
    expect(await tokensFrom(role, 'volume')).toBe(0)
    await ask(role, LISTED[0]!)
    const { cached } = await ask(role, LISTED[1]!)
    expect(cached).toBe(before.cached)
    expect(await tokensFrom(role, 'volume')).toBeGreaterThanOrEqual(cached)
    expect(times(role, 'system_prompt_states_refused')).toBe(1)
  })

  test('are served without a folder that can be written to, after one warning', async () => {
    const notAFolder = join(folder, 'file')
    writeFileSync(notAFolder, '')
    const role = await startListed(notAFolder)
    expect((await ask(role, LISTED[0]!)).text).not.toBe('')
    expect(times(role, 'system_prompt_cache_off')).toBe(1)
    expect(role.logged().match(/"level":(40|50|"warn"|"error")/g)).toHaveLength(1)
  })
})

test.skipIf(!existsSync(MEMORY))('a displaced prompt is found again in memory', async () => {
  const memory = mkdtempSync(join(MEMORY, 'serantau-test-'))
  try {
    const role = await start({}, { prefixCache: { folder: memory, memory: '64Mi' } })
    const first = await ask(role, OWN)
    await ask(role, LISTED[0]!)
    const again = await ask(role, OWN)
    expect(again.text).toBe(first.text)
    expect(again.cached).toBeGreaterThan(60)
    expect(await tokensFrom(role, 'memory')).toBe(again.cached)
    await ask(role, LISTED[0]!)
    expect((await ask(role, OWN, OTHER_KEY)).cached).toBe(0)
    expect(readdirSync(join(memory, 'prefixes'))).not.toEqual([])
    await role.stop()
    expect(readdirSync(join(memory, 'prefixes'))).toEqual([])
  } finally {
    rmSync(memory, { recursive: true })
  }
})

function flip(path: string): void {
  const bytes = readFileSync(path)
  bytes[bytes.length >> 1]! ^= 1
  writeFileSync(path, bytes)
}
