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
/** Of a llama-server that is quick with this batch. */
const run =
  (best: number) =>
  async ({ batch }: LlamaFlags) => ({
    all: { rate: batch === best ? 2 : 1 },
  })
const search = async () => {
  const best = new BestFlags({ file }, 16)
  await best.search('W1', workload, run(64), () => undefined)
  return best
}
const loaded = async () => {
  const best = new BestFlags({ file }, 16)
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
  const counted = async ({ parallel }: LlamaFlags) => (ran.push(parallel), { all: { rate: 1 } })
  const all = { ...workload, searches: [], admits: ({ parallel }: LlamaFlags) => parallel >= 16 }
  await next.search('W4', all, counted, () => undefined)
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

test('what was found on one machine is there for others of its kind, until they search themselves', async () => {
  const published = { file: join(folder, 'page.json'), name: 'gemma, 2 x EPYC' }
  const onMachine = async (name: string, kind = published.name) => {
    const places = { file: join(folder, name), published: { ...published, name: kind } }
    const best = new BestFlags(places, 16)
    await best.load()
    return best
  }
  const first = await onMachine('first.json')
  await first.search('W1', workload, run(64), () => undefined)
  await first.keepCapacity(first.of('W1'), 3)
  await first.publish()
  const second = await onMachine('second.json')
  expect(second.of('W1')).toEqual(first.of('W1'))
  expect(second.capacityWith(second.of('W1'))).toBeUndefined()
  expect((await onMachine('other.json', 'gemma, 2 x Xeon')).knows('W1')).toBe(false)
  await second.search('W1', workload, run(256), () => undefined)
  expect((await onMachine('second.json')).of('W1').batch).toBe(256)
  const third = await onMachine('third.json')
  expect(third.of('W1').batch).toBe(64)
  writeFileSync(
    join(folder, 'third.json'),
    JSON.stringify({ method: 2, flags: { W4: third.of('W1') } }),
  )
  const both = await onMachine('third.json')
  await both.publish()
  expect([both.knows('W1'), both.knows('W4')]).toEqual([true, true])
  expect((await onMachine('fourth.json')).knows('W1')).toBe(true)
})

test('what an earlier method published is as if it were not there', async () => {
  const published = { file: join(folder, 'page.json'), name: 'gemma, 2 x EPYC' }
  const flags = { W1: (await search()).of('W1') }
  const best = new BestFlags({ file: join(folder, 'none.json'), published }, 16)
  for (const [method, known] of [
    [1, false],
    [2, true],
  ] as const) {
    writeFileSync(published.file, JSON.stringify({ [published.name]: { method, flags } }))
    await best.load()
    expect(best.knows('W1')).toBe(known)
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
  const flags = new BestFlags({ file: join(folder, 'none.json') }, 16).of('W1')
  const own = { ...flags, unified: false, parallel: 4 }
  expect(llamaArgs({ ...flags, parallel: 16 }, 512, 16).join(' ')).toContain('-c 8192 -np 16')
  expect(llamaArgs(own, 512, 16).join(' ')).toContain('-c 2048 -np 4')
})
