import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import { EngineCalls } from '../../server/engine/engine-calls.ts'
import type { EngineChild } from '../../server/engine/engine-child.ts'
import { EngineError } from '../../server/engine/engine.ts'
import type { GenerateRequest, Piece } from '../../server/engine/engine.ts'
import type { ToEngine } from '../../server/engine/protocol.ts'
import { merged, startChoices } from '../../server/model/choices.ts'
import { FakeEngine } from '../helpers/fake-engine.ts'
import { chatBody, headers, modelRole } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

setFlagsFromString('--expose_gc')
const collectGarbage = runInNewContext('gc') as () => void

const roles: TestRole[] = []
afterEach(async () => {
  for (const role of roles.splice(0)) await role.close()
})

const asIs = async function* (pieces: AsyncIterable<Piece>) {
  yield* pieces
}
const wanted = { maxTokens: 5, prompt: [1] } as unknown as GenerateRequest
const running = (engine: FakeEngine) => engine.stats().running + engine.stats().waiting
const settled = () => new Promise((resolve) => setTimeout(resolve, 10))

describe('answers to one request', () => {
  test('where one is refused, those that began end: an engine with 4 slots and a line of 8 is free after 13', async () => {
    const engine = new FakeEngine(4, 8)
    const signal = new AbortController().signal
    const asked = startChoices(engine, Array<GenerateRequest>(13).fill(wanted), signal, asIs)
    await expect(asked).rejects.toMatchObject({ code: 'queue_full' })
    await settled()
    expect(running(engine)).toBe(0)
  })

  test('one that fails on its way ends the others, and its error is the one that is seen', async () => {
    const engine = new FakeEngine(4, 8)
    const signal = new AbortController().signal
    const answers = await startChoices(engine, [wanted, wanted, wanted], signal, asIs)
    const failing = answers[1]!
    engine.beforeToken = async (index) => {
      if (index === 2) throw new EngineError('unavailable', 'the first to fail')
    }
    await expect(
      (async () => {
        for await (const _ of failing) await settled()
      })(),
    ).rejects.toThrow('the first to fail')
    // Those of the others that nobody had read when it failed do not pass for whole ones either.
    for (const answer of [answers[0]!, answers[2]!]) {
      await expect(
        (async () => {
          for await (const _ of answer);
        })(),
      ).rejects.toThrow('the first to fail')
    }
    expect(running(engine)).toBe(0)
  })

  test('a client that leaves before anybody reads leaves no slot in use', async () => {
    const engine = new FakeEngine(4, 8)
    const client = new AbortController()
    const answers = await startChoices(engine, [wanted, wanted], client.signal, asIs)
    client.abort(new Error('left'))
    await settled()
    expect(running(engine)).toBe(0)
    await expect(
      (async () => {
        for await (const _ of merged(answers));
      })(),
    ).rejects.toThrow('left')
  })

  test('nothing of an answered request is kept', async () => {
    const engine = new FakeEngine(4, 8)
    const kept: WeakRef<object>[] = []
    for (let count = 0; count < 20; count++) {
      const requests = [{ ...wanted }, { ...wanted }]
      kept.push(new WeakRef(requests[0]!))
      // Of each request a signal of its own, as the routes make it.
      const signal = new AbortController().signal
      for await (const _ of merged(await startChoices(engine, requests, signal, asIs)));
      engine.requests.length = 0
    }
    collectGarbage()
    await settled()
    collectGarbage()
    expect(kept.filter((each) => each.deref() !== undefined).length).toBeLessThan(3)
  })

  test('more than may wait are refused, and leave the model free for the next', async () => {
    const role = modelRole({ model: { contextSize: 4096 } })
    roles.push(role)
    const ask = (n: number) =>
      role.app.inject({
        ...{ method: 'POST', url: '/v1/chat/completions', headers: headers() },
        payload: JSON.stringify(chatBody({ n })),
      })
    for (let count = 0; count < 5; count++) expect((await ask(13)).statusCode).toBe(429)
    expect((await ask(12)).statusCode).toBe(200)
  })
})

test('an answer that nobody reads any more is cancelled at once, and once', async () => {
  const sent: ToEngine[] = []
  const child = { send: (message: ToEngine) => sent.push(message) } as unknown as EngineChild
  const calls = new EngineCalls(() => 0)
  const client = new AbortController()
  const pieces = calls.pieces(child, wanted, client.signal)
  const first = pieces.next()
  calls.hear({ kind: 'piece', id: 1, piece: { text: 'a', tokens: 1 } })
  expect((await first).value).toEqual({ text: 'a', tokens: 1 })
  client.abort(new Error('left'))
  expect(sent.map(({ kind }) => kind)).toEqual(['generate', 'cancel'])
  await expect(pieces.next()).rejects.toThrow('left')
  expect(sent.map(({ kind }) => kind)).toEqual(['generate', 'cancel'])
})
