import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { rollUnderLoad } from './roll-under-load.ts'

const STEP_MS = 2
const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

/** Answers in tokens, one a step; after a restart those that are longer than `cutAbove` end early. */
async function startServer(cutAbove: number) {
  let restarts = 0
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const { max_tokens: wanted } = JSON.parse(Buffer.concat(pieces).toString()) as {
      max_tokens: number
    }
    const before = restarts
    const event = (data: object) => response.write(`data: ${JSON.stringify(data)}\n\n`)
    for (let token = 1; token <= wanted; token++) {
      await sleep(STEP_MS)
      if (restarts > before && wanted > cutAbove) return response.destroy()
      const finish = token === wanted ? 'length' : null
      const usage = { completion_tokens: token }
      event({ choices: [{ text: 'x', finish_reason: finish }], usage })
    }
    response.end('data: [DONE]\n\n')
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  const { port } = server.address() as AddressInfo
  const kubectl = async (...[, verb]: string[]) => {
    if (verb === 'restart') restarts++
    else await sleep(50)
    return ''
  }
  return { endpoint: `http://127.0.0.1:${port}`, kubectl }
}

const roll = async (cutAbove: number, more: object) =>
  await rollUnderLoad({
    ...(await startServer(cutAbove)),
    ...{ key: 'none', model: 'none', deployments: ['one'], updates: 2, streams: 6, maxTokens: 2 },
    ...{ say: () => undefined, ...more },
  })

const LONG = { long: { oneIn: 3, maxTokens: 60 } }

describe('rolling updates under load', () => {
  test('that cut long streams fail, though all short ones come whole', async () => {
    expect((await roll(2, {})).failures).toEqual([])
    const { failures } = await roll(2, LONG)
    expect(failures).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^a stream got 200/),
        expect.stringContaining('long streams came whole'),
      ]),
    )
  })

  test('that wait for long streams are counted', async () => {
    const { failures, figures } = await roll(Infinity, LONG)
    expect(failures).toEqual([])
    expect(figures.at(-1)?.[0]).toContain('60 tokens')
    expect(Number(figures.at(-1)?.[1])).toBeGreaterThanOrEqual(2)
  })
})
