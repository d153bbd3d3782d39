import { expect, test } from 'vitest'
import { type LlamaFlags, startingFlags } from './llama-flags.ts'
import { type Searched, searchFlags } from './search-flags.ts'
import type { Cases } from './workloads/workload.ts'

const plain = startingFlags(16)
const from: LlamaFlags = { ...plain, unified: true, spin: true }
const workload: Searched = {
  tries: [['--no-warmup']],
  score: (cases) => cases['all']?.['rate'] ?? Number.NaN,
}
const silent = () => undefined

/** With what each run of given flags reaches; `at` counts the runs from 0. */
const search = (rate: (flags: LlamaFlags, at: number) => number, more: Partial<Searched> = {}) => {
  let at = 0
  const run = async (flags: LlamaFlags): Promise<Cases> => ({ all: { rate: rate(flags, at++) } })
  return searchFlags({ ...workload, ...more }, { from, plain }, run, silent)
}

test('finds a best combination dimension by dimension', async () => {
  const found = await search(
    ({ batch, parallel, more }) =>
      100 + (batch === 256 ? 10 : 0) + (parallel === 8 ? 10 : 0) + more.length * 10,
  )
  expect(found).toMatchObject({ batch: 256, parallel: 8, more: ['--no-warmup'] })
  expect(await search(({ flashAttention }) => (flashAttention === 'off' ? 2 : 1))).toMatchObject({
    flashAttention: 'off',
  })
})

test('a gain within the noise changes nothing', async () => {
  expect((await search(({ swaFull }) => (swaFull ? 101 : 100))).swaFull).toBe(false)
})

test('flags with which it does not start or answer are no better ones', async () => {
  const found = await search(({ swaFull, backendSampling }) => {
    if (swaFull) throw new Error('unknown argument')
    return backendSampling ? Number.NaN : 1
  })
  expect(found).toMatchObject({ swaFull: false, backendSampling: false })
})

test('nothing is searched where nothing is answered', async () => {
  await expect(search(() => Number.NaN)).rejects.toThrow('answers nothing')
})

test('flags with which the work cannot be done are not even run', async () => {
  const seen = new Set<number>()
  const rate = ({ parallel }: LlamaFlags) => {
    seen.add(parallel)
    return 1 / parallel
  }
  const found = await search(rate, { admits: ({ parallel }) => parallel >= 16 })
  expect(found.parallel).toBe(16)
  expect([...seen]).toEqual([16])
})

test('the play-off has no rival with which the work cannot be done', async () => {
  const rate = ({ unified }: LlamaFlags) => (unified ? 1 : 9)
  expect((await search(rate, { admits: ({ unified }) => unified })).unified).toBe(true)
})

test('a score may look at what the first flags did', async () => {
  const run = async ({ batch }: LlamaFlags): Promise<Cases> => ({
    all: { rate: batch === 64 ? 9 : 1, served: batch === 64 ? 4 : 5 },
  })
  const served = (cases: Cases) => cases['all']?.['served'] ?? 0
  const score: Searched['score'] = (cases, first) =>
    served(cases) < served(first) ? 0 : workload.score(cases, first)
  const found = await searchFlags({ ...workload, score }, { from, plain }, run, silent)
  expect(found.batch).toBe(2048)
})

test('a lucky run does not outlive the play-off', async () => {
  // Batch 64 has one lucky run, its first; then it does worse than the flags as they come.
  const runs = new Map<string, number>()
  const found = await search((flags) => {
    const key = JSON.stringify(flags)
    runs.set(key, (runs.get(key) ?? 0) + 1)
    if (flags.batch !== 64) return 100
    return runs.get(key) === 1 ? 150 : 80
  })
  expect(found).toEqual(plain)
})

test('the play-off tries the other kind of cells, which the first dimension chose too early', async () => {
  const score = ({ unified, parallel }: LlamaFlags) =>
    parallel === 8 ? (unified ? 120 : 130) : unified ? 100 : 90
  expect(await search(score)).toMatchObject({ unified: false, parallel: 8 })
})

test('rivals play in turn, three runs each', async () => {
  const order: LlamaFlags[] = []
  await search((flags) => {
    order.push(flags)
    return 1
  })
  const other = { ...from, unified: false }
  expect(order.slice(-9)).toEqual([from, other, plain, from, other, plain, from, other, plain])
})

test('a workload searches its own dimensions alone, and has no rival that is an arm of its own', async () => {
  const seen: LlamaFlags[] = []
  const rate = (flags: LlamaFlags) => {
    seen.push(flags)
    return flags.batch === 256 ? 2 : 1
  }
  const found = await search(rate, { searches: ['batch'], tries: [] })
  expect(found).toEqual({ ...from, batch: 256 })
  expect(seen.map(({ batch }) => batch)).toEqual([2048, 64, 256, 2048])
  seen.length = 0
  await search(rate, { searches: ['unified'], tries: [] })
  expect(seen.map(({ unified }) => unified)).toEqual([
    ...[true, false],
    ...[true, false, true, false, true, false],
  ])
})
