import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import type { RunningArm } from './arms.ts'
import { startingFlags } from './llama-flags.ts'
import { Prompts } from './prompts.ts'
import { hopPrompt } from './workloads/hop.ts'
import { WORKLOADS } from './workloads/index.ts'
import type { Session } from './workloads/workload.ts'

interface Seen {
  prompt: number[]
  max_tokens: number
}

/** Answers at once; remembers what it was asked. */
async function startFake(seen: Seen[]): Promise<RunningArm> {
  const server: Server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (part: string) => (text += part))
    request.on('end', () => {
      const ask = JSON.parse(text) as Seen
      seen.push(ask)
      const { prompt, max_tokens } = ask
      for (let token = 0; token < max_tokens; token++) {
        response.write('data: {"choices":[{"text":"a"}]}\n\n')
      }
      const usage = { prompt_tokens: prompt.length, completion_tokens: max_tokens }
      response.end(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    ...{ port: (server.address() as AddressInfo).port, key: undefined, model: 'm' },
    pids: async () => [process.pid],
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const text = (first: number) => Array.from({ length: 3000 }, (_, index) => first + index)
const prompts = new Prompts({
  start: [2],
  texts: { a: text(10_000), b: text(20_000) },
  system: { text: 'a text', tokens: text(30_000).slice(0, 1000) },
})

function sessionOf(seen: Seen[]): Session {
  return {
    ...{ prompts, seed: 0, quick: true, slots: 16, soakRequests: 128, capacity: 100 },
    start: () => startFake(seen),
    measure: async (_, work) => work(),
    measureStart: async (work) => {
      const arm = await startFake(seen)
      return { arm, figures: await work(arm, 1) }
    },
  }
}

const run = async (name: string, more: Partial<Session> = {}) => {
  const seen: Seen[] = []
  const cases = await WORKLOADS[name]!.run({ ...sessionOf(seen), ...more })
  return { cases, seen }
}

test.each([
  ['W0', 64, 64],
  ['W1', 64, 64],
  ['W2', 32, 256],
  ['W3', 1024, 16],
])('%s sends %i tokens and asks for %i, each prompt another', async (name, input, output) => {
  const { cases, seen } = await run(name)
  expect(Object.keys(cases)).toEqual(['1', '4', '8', '16'])
  expect(seen.every(({ prompt }) => prompt.length === input && prompt[0] === 2)).toBe(true)
  expect(seen.every(({ max_tokens }) => max_tokens === output)).toBe(true)
  expect(new Set(seen.map(({ prompt }) => prompt.join()))).toHaveLength(seen.length)
  for (const figures of Object.values(cases)) expect(figures).toMatchObject({ errors: 0 })
})

test('the search runs few cases of W1, but each whole', async () => {
  const whole = { quick: false, streams: [8, 16] }
  const { cases, seen } = await run('W1', whole)
  expect(Object.keys(cases)).toEqual(['8', '16'])
  expect(seen).toHaveLength((8 + 16) * 3)
  const one = await run('W1a', whole)
  expect(Object.keys(one.cases)).toEqual(['1'])
  expect(one.seen).toHaveLength(6)
})

test('W4 wants a slot for each stream and as many long prompts served as at first', () => {
  const { admits, score } = WORKLOADS['W4']!
  const flags = startingFlags(16)
  expect([4, 8, 16].map((parallel) => admits?.({ ...flags, parallel }))).toEqual([
    ...[false, false, true],
  ])
  const cases = (itlP99: number, served: number) => ({ all: { itlP99, served } })
  expect(score(cases(50, 5), cases(100, 5))).toBeGreaterThan(score(cases(100, 5), cases(100, 5)))
  expect(score(cases(50, 4), cases(100, 5))).toBe(0)
})

test('W5 has 500 tokens in common and 32 that nobody else sends, cold and warm', async () => {
  const { cases, seen } = await run('W5')
  expect(Object.keys(cases)).toEqual(['cold', 'warm'])
  expect(seen).toHaveLength(32)
  expect(new Set(seen.map(({ prompt }) => prompt.slice(0, 500).join()))).toHaveLength(1)
  expect(new Set(seen.map(({ prompt }) => prompt.slice(500).join()))).toHaveLength(32)
})

test('W6 sends in each turn all that was said before', async () => {
  const { seen } = await run('W6')
  const lengths = [...new Set(seen.map(({ prompt }) => prompt.length))].sort((a, b) => a - b)
  expect(lengths).toEqual([64 + 128, 64 + 256, 64 + 384])
  for (const { prompt } of seen.filter((ask) => ask.prompt.length === 64 + 256)) {
    const before = prompt.slice(0, 64 + 128).join()
    expect(seen.some((ask) => ask.prompt.join() === before)).toBe(true)
  }
})

test('W9 asks for the rest of a passage that the prompt holds twice', async () => {
  const { seen } = await run('W9')
  const { prompt } = seen[0]!
  expect(prompt.slice(0, 192)).toEqual(prompt.slice(192, 384))
  expect(prompt.slice(384)).toEqual(prompt.slice(0, 48))
})

test('W11 asks with the same 1,000 tokens before and after a restart', async () => {
  const { cases, seen } = await run('W11')
  expect(seen.map(({ prompt }) => prompt.length)).toEqual([16, 1032, 1032])
  expect(seen[1]?.prompt.slice(0, 1000)).toEqual(seen[2]?.prompt.slice(0, 1000))
  expect(seen[1]?.prompt.slice(1000)).not.toEqual(seen[2]?.prompt.slice(1000))
  expect(cases['start']?.['firstTokenMs']).toBeGreaterThan(1)
  expect(cases['restart']?.['ttft']).toBeGreaterThan(0)
})

test('W12 asks again after its clients have left', async () => {
  const { cases } = await run('W12')
  expect(cases['storm']?.['nextTtft']).toBeGreaterThan(0)
  expect(cases['after']).toMatchObject({ errors: 0, tokens: 16 * 32 })
})

test('W13 sends what was asked for and draws a line through the memory', async () => {
  const { cases, seen } = await run('W13')
  expect(seen).toHaveLength(128)
  expect(cases['all']).toMatchObject({ errors: 0, requests: 128 })
  expect(Number.isFinite(cases['all']?.['mibPerThousand'])).toBe(true)
})

test.each(['W1', 'W1a', 'W5', 'W6', 'W9', 'W11', 'W12'])('%s can be scored', async (name) => {
  const { cases } = await run(name)
  expect(WORKLOADS[name]!.score(cases, cases)).toBeGreaterThan(0)
})

test('the hop is what the model server does not see of a first token', async () => {
  const seen: Seen[] = []
  // It says that each took it 1,000 seconds: the rest is the hop.
  const metrics = createServer((_, response) => {
    const name = 'serantau_time_to_first_token_seconds'
    response.end(`${name}_sum ${seen.length * 1000}\n${name}_count ${seen.length}\n`)
  })
  await new Promise<void>((resolve) => metrics.listen(0, '127.0.0.1', resolve))
  const metricsUrl = `http://127.0.0.1:${(metrics.address() as AddressInfo).port}/`
  const arm = await startFake(seen)
  const start = async () => ({ ...arm, behind: { target: arm, metricsUrl } })
  const cases = await WORKLOADS['hop']!.run({ ...sessionOf(seen), start })
  metrics.close()
  expect(Object.keys(cases)).toEqual(['1 direct', '1 through', '16 direct', '16 through'])
  for (const { hopMs } of Object.values(cases)) {
    expect(hopMs).toBeGreaterThan(-1_000_000)
    expect(hopMs).toBeLessThan(-990_000)
  }
  expect(new Set(seen.map(({ prompt }) => prompt.join()))).toHaveLength(seen.length)
})

test('both ways to the model server get prompts that end alike and begin apart', () => {
  const [direct, through] = [0, 1].map((turn) => hopPrompt(prompts, 'a run', turn))
  expect(direct).toHaveLength(64)
  expect(direct?.slice(8)).toEqual(through?.slice(8))
  // Behind the model's start nothing is alike: what one way left in the cache is of no use to the other.
  expect(direct?.[1]).not.toBe(through?.[1])
  expect(hopPrompt(prompts, 'another run', 0).slice(8)).not.toEqual(direct?.slice(8))
})

test.each([
  ['W8', 'schema', 'json_schema'],
  ['logprobs', 'logprobs', 'logprobs'],
])('%s asks in turn for free text and for more, on one server', async (name, way, field) => {
  const { cases, seen } = await run(name)
  expect(Object.keys(cases)).toEqual(['free', way])
  const more = seen.map((ask) => field in ask)
  expect(more).toEqual([false, true, true, false].flatMap((each) => Array<boolean>(8).fill(each)))
  expect(new Set(seen.map(({ prompt }) => prompt.join()))).toHaveLength(seen.length)
})
