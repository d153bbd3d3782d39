import { expect, test } from 'vitest'
import { GOALS, type Goal, judge } from './goals.ts'
import { burstLimit, withShaping } from './limit.ts'
import { type Kept, type Results, addRun } from './results.ts'
import { goalTable, page } from './report.ts'
import { WORKLOADS } from './workloads/index.ts'

const goal: Goal = {
  ...{ label: 'tok/s', workload: 'W1', name: '16', metric: 'tokensPerSecond' },
  ...{ arm: 'ours', other: 'llama-server-best', as: 'ratio', bound: 'least', goal: 1 },
}

function results(ours: number[], other: number[]): Results {
  const measured = Object.entries({ ours, 'llama-server-best': other }).map(([arm, values]) => {
    const result = { at: '2026-01-02T03:04:05Z', commit: 'abc', cases: {} }
    for (const tokensPerSecond of values) addRun(result, { 16: { tokensPerSecond } })
    return [arm, result]
  })
  return { W1: Object.fromEntries(measured) as Results[string] }
}

const kept = (all: Results): Kept =>
  Object.fromEntries(
    Object.entries(all).map(([workload, arms]) => [workload, { machine: '2 x a processor', arms }]),
  )

const verdict = (ours: number[], other: number[], more: Partial<Goal> = {}) =>
  judge(results(ours, other), [{ ...goal, ...more }])[0]?.verdict

test('a goal is judged by the ratio of medians', () => {
  const [judged] = judge(results([99, 98, 200], [100, 100, 100]), [goal])
  expect(judged?.compared.value).toBe(0.99)
})

test('a verdict needs the whole interval on one side of the goal', () => {
  const others = [100, 101, 99, 100, 100]
  expect(verdict([110, 111, 109, 110, 112], others)).toBe('reached')
  expect(verdict([90, 91, 89, 90, 92], others)).toBe('not reached')
  expect(verdict([101, 99, 103, 100, 98], others)).toBe('undecided')
  const most = { bound: 'most', goal: 0.5 } as const
  expect(verdict([40, 41, 39, 40, 42], others, most)).toBe('reached')
  expect(verdict([60, 61, 59, 60, 62], others, most)).toBe('not reached')
  expect(verdict([50, 51, 49, 50, 52], others, most)).toBe('undecided')
})

test('without an interval several runs decide nothing', () => {
  expect(verdict([1, 2], [0, 0])).toBe('undecided')
})

test('a goal that is met exactly is reached', () => {
  expect(verdict([3, 3, 3], [6, 6, 6], { goal: 0.5 })).toBe('reached')
  expect(verdict([7, 7, 7], [7, 7, 7])).toBe('reached')
})

test('one run is judged by its value, and the page says that it is one', () => {
  expect(verdict([100], [100, 101, 99])).toBe('reached')
  expect(verdict([98], [100])).toBe('not reached')
  expect(goalTable(judge(results([100], [100]), [goal]))).toContain('| reached (1 run) |')
  expect(goalTable(judge(results([100, 100], [100, 100]), [goal]))).toContain('| reached |')
})

test('flags that do worse than none are no peer to win against', () => {
  const measured = results([100], [80])
  const plain = (tokensPerSecond: number) => {
    const result = (measured['W1']!['llama-server'] = { at: 'a day', commit: 'abc', cases: {} })
    addRun(result, { 16: { tokensPerSecond } })
    return measured
  }
  const most: Goal = { ...goal, bound: 'most' }
  expect(judge(plain(120), [goal])[0]).toMatchObject({
    other: 'llama-server',
    theirs: { value: 120 },
  })
  expect(judge(plain(120), [most])[0]).toMatchObject({ other: 'llama-server-best' })
  expect(judge(plain(70), [goal])[0]).toMatchObject({ other: 'llama-server-best' })
  expect(judge(plain(70), [most])[0]).toMatchObject({
    other: 'llama-server',
    theirs: { value: 70 },
  })
})

test('what others disturbed is neither reached nor missed', () => {
  const disturbed = results([100], [100])
  addRun(disturbed['W1']!['ours']!, { 16: { cpuSeconds: 10, otherCpuSeconds: 0.6 } })
  expect(judge(disturbed, [goal])[0]?.disturbed).toBe(true)
  expect(page(kept(disturbed), { W1: 'chat' }, head)).toContain('| disturbed |')
  const calm = results([100], [100])
  addRun(calm['W1']!['ours']!, { 16: { cpuSeconds: 10, otherCpuSeconds: 0.4 } })
  // Nobody looked at the other arm.
  expect(judge(calm, [goal])[0]?.disturbed).toBeUndefined()
  addRun(calm['W1']!['llama-server-best']!, { 16: { cpuSeconds: 10, otherCpuSeconds: 0.4 } })
  expect(judge(calm, [goal])[0]?.disturbed).toBe(false)
})

test('what was not measured on both sides is not judged, and the page says so', () => {
  const half = results([1], [])
  expect(judge(half, [goal])).toEqual([])
  const text = page(kept(half), { W1: 'chat' }, head)
  expect(text).toContain('Not measured: 1 stream, tok/s')
  expect(text).not.toContain(' reached |')
})

test('figures of two commands are told apart on the page', () => {
  const mixed = results([1], [1])
  mixed['W1']!['ours']!.at = '2026-02-03T00:00:00Z'
  const text = page(kept(mixed), { W1: 'chat' }, head)
  expect(text).toContain('On 2 x a processor.')
  expect(text).toContain('2026-02-03, abc (ours); 2026-01-02, abc (llama-server-best)')
  expect(judge(mixed, [goal])[0]?.together).toBe(false)
  expect(judge(results([1], [1]), [goal])[0]?.together).toBe(true)
})

test('shaping takes the shortest step of at least as many rows', () => {
  // Steps of 6, 7 and 8 rows take 60, 70 and 40 ms.
  const cases = withShaping(
    new Map([
      [6, 100],
      [7, 100],
      [8, 200],
    ]),
  )
  expect(cases['6']?.['shapedPerSecond']).toBeCloseTo(150)
  expect(cases['7']?.['shapedPerSecond']).toBeCloseTo(175)
  expect(cases['8']).toEqual({ decodePerSecond: 200, shapedPerSecond: 200 })
})

test('a burst is bounded by reading its common prefix once and decoding all answers together', () => {
  // 1,012 tokens at 1,012 a second, then 31 steps of 16 in a second.
  const { ttftP50, requestsPerSecond } = burstLimit(1012, 16 * 31)
  expect(requestsPerSecond).toBeCloseTo(16 / 2)
  // The eighth and the ninth are the median: the prefix and eight and a half prompts.
  expect(ttftP50).toBeCloseTo(((500 + 8.5 * 32) / 1012) * 1000)
})

test('the page prints the command that was typed, and none where none was kept', () => {
  const typed = results([1], [1])
  const command = 'npm run bench -- engine --workloads W1 --runs 2'
  typed['W1']!['ours']!.command = command
  const text = page(kept(typed), { W1: 'chat' }, head)
  expect(text).toContain(
    `\`${command}\`, 2026-01-02, abc (ours); 2026-01-02, abc (llama-server-best).`,
  )
  expect(text.match(/npm run bench/g)).toHaveLength(1)
})

test('the page says whose llama.cpp is patched, and how', () => {
  const text = page(kept(results([1], [1])), { W1: 'chat' }, head)
  expect(text).toContain('llama-batched-bench are built from that source as it comes')
  expect(text).toContain('`server/engine/patches`: 0001-one, 0002-two.')
})

test('the loop is judged against stock kernels and, apart, against the same ones', () => {
  const measured: Results = { W0: {} }
  const rates = { engine: 90, 'batched-bench': 60, 'batched-bench-ours': 100 }
  for (const [arm, decodePerSecond] of Object.entries(rates)) {
    const result = (measured['W0']![arm] = { at: 'a day', commit: 'abc', cases: {} })
    addRun(result, { 4: { decodePerSecond }, 6: { decodePerSecond, shapedPerSecond: 100 } })
  }
  const ratios = judge(measured).map(({ label, compared }) => [label, compared.value])
  expect(Object.fromEntries(ratios)).toEqual({
    'decode phase alone, 4 rows': 1.5,
    'decode phase alone, 4 rows, same kernels': 0.9,
    'decode phase, 6 rows, of what shaping allows': 0.9,
    'decode phase, 6 rows, of what shaping allows, same kernels': 0.9,
  })
})

test('two figures of one arm are compared run by run', () => {
  const result = { at: 'a day', commit: 'abc', cases: {} }
  // Every run is unlike the others, and in each the gateway takes one part of a hundred.
  for (const tokensPerSecond of [100, 200, 300, 400]) {
    const through = { tokensPerSecond: tokensPerSecond * 0.99 }
    addRun(result, { '16 direct': { tokensPerSecond }, '16 through': through })
  }
  const [judged] = judge({ hop: { gateway: result } })
  expect(judged).toMatchObject({ verdict: 'reached', other: 'gateway' })
  expect(judged?.compared.high).toBeCloseTo(0.99)
})

test('every goal names a workload that there is', () => {
  for (const { workload } of GOALS) expect(WORKLOADS).toHaveProperty(workload)
})

const head = {
  ...{ threads: 2, file: 'page' },
  ...{ model: 'a model', fileMiB: 100, llamaCpp: 'v1', patches: ['0001-one', '0002-two'] },
}
