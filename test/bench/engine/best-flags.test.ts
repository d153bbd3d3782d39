import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BestFlags } from './best-flags.ts'
import { type LlamaFlags, llamaArgs } from './llama-flags.ts'
import type { Workload } from './workloads/workload.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serantau-flags-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const workload = { tries: [['--no-warmup']] } as Workload
const search = async (score: (flags: LlamaFlags) => number) => {
  const best = new BestFlags(join(folder, 'flags.json'), 16)
  const tell = () => undefined
  await best.search('W1', workload, async (flags) => score(flags), tell)
  return best.of('W1')
}

test('finds a best combination dimension by dimension', async () => {
  const score = ({ batch, parallel, more }: LlamaFlags) =>
    100 + (batch === 256 ? 10 : 0) + (parallel === 8 ? 10 : 0) + more.length * 10
  expect(await search(score)).toMatchObject({ batch: 256, parallel: 8, more: ['--no-warmup'] })
})

test('a gain within the noise changes nothing', async () => {
  const flags = await search(({ swaFull }) => (swaFull ? 101 : 100))
  expect(flags.swaFull).toBe(false)
})

test('flags with which it does not start or answer are no better ones', async () => {
  const flags = await search(({ swaFull, backendSampling }) => {
    if (swaFull) throw new Error('unknown argument')
    return backendSampling ? Number.NaN : 1
  })
  expect(flags).toMatchObject({ swaFull: false, backendSampling: false })
})

test('what was found is there for the next command', async () => {
  const found = await search(({ batch }) => (batch === 64 ? 2 : 1))
  const next = new BestFlags(join(folder, 'flags.json'), 16)
  await next.load()
  expect(next.knows('W1')).toBe(true)
  expect(next.of('W1')).toEqual(found)
})

test('every slot has the same context, whether slots share one pool or not', () => {
  const flags = new BestFlags(join(folder, 'none.json'), 16).of('W1')
  const own = { ...flags, unified: false, parallel: 4 }
  expect(llamaArgs({ ...flags, parallel: 16 }, 512, 16).join(' ')).toContain('-c 8192 -np 16')
  expect(llamaArgs(own, 512, 16).join(' ')).toContain('-c 2048 -np 4')
})
