import { expect, test, vi } from 'vitest'
import { EmbeddingEngine } from '../../server/engine/embedding-engine.ts'
import type { EmbeddingRound } from '../../server/engine/embedding-engine.ts'
import type { Answer } from '../../server/engine/protocol.ts'

/** An engine whose prompts are read when the test says so. */
function serving(maxQueued = 2) {
  const rounds: EmbeddingRound[] = []
  const read: (readonly number[])[] = []
  const due: ((vector: Float32Array) => void)[] = []
  const embed = (prompt: readonly number[]) => {
    read.push(prompt)
    return new Promise<Float32Array>((resolve) => due.push(resolve))
  }
  const report = (round: EmbeddingRound) => rounds.push(round)
  const engine = new EmbeddingEngine({ context: { embed }, start: 1, maxQueued, report })
  void engine.run()
  const give = async (...values: number[]) => {
    await vi.waitFor(() => expect(due.length).toBeGreaterThan(0))
    due.shift()!(Float32Array.from(values))
    await new Promise(setImmediate)
  }
  const answers = () => rounds.flatMap((round) => round.answers)
  return { engine, read, give, answers, rounds }
}

const numbers = (answer: Answer | undefined) =>
  answer?.kind === 'vector'
    ? Array.from(new Float32Array(new Uint8Array(Buffer.from(answer.base64, 'base64')).buffer))
    : answer

test('prompts are read in their order, and each vector goes to who asked', async () => {
  const { engine, read, give, answers } = serving()
  engine.submit(7, [4, 5])
  engine.submit(8, [6])
  await give(0.5, -1)
  await give(0.25, 2)
  expect(read).toEqual([[4, 5], [6]])
  expect(answers().map(({ id }) => id)).toEqual([7, 8])
  expect(answers().map(numbers)).toEqual([
    [0.5, -1],
    [0.25, 2],
  ])
})

test('who left is not read, and a full queue refuses by name', async () => {
  const { engine, read, give, answers } = serving(1)
  engine.submit(1, [1])
  await vi.waitFor(() => expect(read).toHaveLength(1))
  for (const id of [2, 3]) engine.submit(id, [id])
  expect(answers()).toMatchObject([{ id: 3, kind: 'error', code: 'queue_full' }])
  engine.cancel(2)
  engine.submit(4, [4])
  await give(1)
  await give(1)
  expect(read).toEqual([[1], [4]])
})

test('a probe is answered by the next prompt, or by one of its own', async () => {
  const { engine, read, give, answers } = serving()
  engine.probe(9)
  await give(1)
  expect([read, answers()]).toEqual([[[1]], [{ id: 9, kind: 'end' }]])
})

test('a vector of no numbers is an error of its own', async () => {
  const { engine, give, answers } = serving()
  engine.submit(1, [1])
  await give(Number.NaN)
  expect(answers()).toMatchObject([{ id: 1, kind: 'error', code: 'failed' }])
})
