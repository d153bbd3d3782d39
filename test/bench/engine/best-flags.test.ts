import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BestFlags } from './best-flags.ts'
import { type LlamaFlags, llamaArgs } from './llama-flags.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serantau-flags-'))
  file = join(folder, 'flags.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

const workload = { score: (cases: { all?: { rate?: number } }) => cases.all?.rate ?? 0 }
const search = async () => {
  const best = new BestFlags(file, 16)
  const run = async ({ batch }: LlamaFlags) => ({ all: { rate: batch === 64 ? 2 : 1 } })
  await best.search('W1', workload, run, () => undefined)
  return best
}
const loaded = async () => {
  const best = new BestFlags(file, 16)
  await best.load()
  return best
}

test('what was found is there for the next command', async () => {
  const found = (await search()).of('W1')
  expect(found.batch).toBe(64)
  const next = await loaded()
  expect(next.knows('W1')).toBe(true)
  expect(next.of('W1')).toEqual(found)
})

test('other workloads begin with what W1 found, as far as they admit it', async () => {
  const best = await search()
  expect(best.of('W3')).toEqual(best.of('W1'))
  const few = { ...best.of('W1'), parallel: 4 }
  writeFileSync(file, JSON.stringify({ method: 2, flags: { W1: few } }))
  const next = await loaded()
  const ran: number[] = []
  const run = async ({ parallel }: LlamaFlags) => (ran.push(parallel), { all: { rate: 1 } })
  const all = { ...workload, searches: [], admits: ({ parallel }: LlamaFlags) => parallel >= 16 }
  await next.search('W4', all, run, () => undefined)
  expect(ran).toEqual([16])
})

test('what an earlier method found is searched again', async () => {
  const best = await search()
  const flags = { W1: best.of('W1') }
  for (const old of [{ flags }, { method: 1, flags }]) {
    writeFileSync(file, JSON.stringify(old))
    expect((await loaded()).knows('W1')).toBe(false)
  }
})

test('a capacity is that of the flags that it was measured with', async () => {
  const best = await search()
  await best.keepCapacity(best.of('W1'), 3)
  const next = await loaded()
  expect(next.capacityWith(best.of('W1'))).toBe(3)
  expect(next.capacityWith({ ...best.of('W1'), batch: 256 })).toBeUndefined()
  expect((await search()).capacityWith(best.of('W1'))).toBeUndefined()
})

test('every slot has the same context, whether slots share one pool or not', () => {
  const flags = new BestFlags(join(folder, 'none.json'), 16).of('W1')
  const own = { ...flags, unified: false, parallel: 4 }
  expect(llamaArgs({ ...flags, parallel: 16 }, 512, 16).join(' ')).toContain('-c 8192 -np 16')
  expect(llamaArgs(own, 512, 16).join(' ')).toContain('-c 2048 -np 4')
})
