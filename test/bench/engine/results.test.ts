import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keepResults, type Results } from './results.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serantau-results-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const results = (workload: string, arm: string, value: number): Results => ({
  [workload]: { [arm]: { at: 'a day', commit: 'abc', cases: { 1: { rate: [value] } } } },
})

test('what was measured anew takes the place of the old, arm by arm; the rest stays', async () => {
  const file = join(folder, 'page.json')
  await keepResults(file, 'this one', { ...results('W1', 'ours', 1), ...results('W5', 'ours', 5) })
  await keepResults(file, 'this one', results('W1', 'theirs', 2))
  const kept = await keepResults(file, 'this one', results('W1', 'ours', 3))
  expect(kept['W1']?.['ours']?.cases['1']?.['rate']).toEqual([3])
  expect(kept['W1']?.['theirs']?.cases['1']?.['rate']).toEqual([2])
  expect(kept['W5']?.['ours']?.cases['1']?.['rate']).toEqual([5])
})

test('figures of two machines never stand on one page', async () => {
  const file = join(folder, 'page.json')
  await keepResults(file, 'another one', results('W5', 'ours', 5))
  expect(await keepResults(file, 'this one', results('W1', 'ours', 1))).toEqual(
    results('W1', 'ours', 1),
  )
})
