import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Kept, committedOf, keepResults, type Results, resultsOf } from './results.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serantau-results-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const results = (workload: string, arm: string, value: number): Results => ({
  [workload]: { [arm]: { at: 'a day', commit: 'abc', cases: { 1: { rate: [value] } } } },
})

const rateOf = (kept: Kept, workload: string, arm: string) =>
  resultsOf(kept)[workload]?.[arm]?.cases['1']?.['rate']

test('what was measured anew takes the place of the old, arm by arm; the rest stays', async () => {
  const file = join(folder, 'page.json')
  await keepResults(file, 'this one', { ...results('W1', 'ours', 1), ...results('W5', 'ours', 5) })
  await keepResults(file, 'this one', results('W1', 'theirs', 2))
  const kept = await keepResults(file, 'this one', results('W1', 'ours', 3))
  expect(rateOf(kept, 'W1', 'ours')).toEqual([3])
  expect(rateOf(kept, 'W1', 'theirs')).toEqual([2])
  expect(rateOf(kept, 'W5', 'ours')).toEqual([5])
})

test('one workload never holds figures of two machines; a page may', async () => {
  const file = join(folder, 'page.json')
  const before = { ...results('W1', 'theirs', 2), ...results('W5', 'ours', 5) }
  await keepResults(file, 'another one', before)
  const kept = await keepResults(file, 'this one', results('W1', 'ours', 1))
  expect(rateOf(kept, 'W1', 'theirs')).toBeUndefined()
  expect(rateOf(kept, 'W1', 'ours')).toEqual([1])
  expect(rateOf(kept, 'W5', 'ours')).toEqual([5])
  expect([kept['W1']?.machine, kept['W5']?.machine]).toEqual(['this one', 'another one'])
})

test('what a changed source measured stays off the page', () => {
  const dirty = results('W5', 'ours', 5)
  dirty['W5']!['ours']!.commit = 'abc-dirty'
  const mixed = { ...dirty, ...results('W1', 'ours', 1) }
  mixed['W1']!['theirs'] = dirty['W5']!['ours']!
  expect(committedOf(mixed)).toEqual(results('W1', 'ours', 1))
})

test('a page of before commands were kept is still read', async () => {
  const file = join(import.meta.dirname, '..', '..', '..', 'docs', 'reference', 'bench-engine.json')
  const copy = join(folder, 'page.json')
  await copyFile(file, copy)
  const kept = await keepResults(copy, 'another one', {})
  expect(Object.keys(kept).length).toBeGreaterThan(0)
})
