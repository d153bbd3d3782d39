import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { EngineClient } from '../../server/engine/engine-client.ts'
import { engineOptions, inParallel, openEngine } from '../campaign/open-engine.ts'
import { until } from '../helpers/roles.ts'

const PROMPTS = Array.from({ length: 16 }, (_, prompt) =>
  Array.from({ length: 40 + 9 * prompt }, (_, at) => 1000 + (((at + 97 * prompt) * 7919) % 20_000)),
)

test('sixteen answers are the same with one thread as with one a core', async () => {
  const answers: string[][] = []
  for (const threads of [undefined, 1]) {
    const more = threads === undefined ? {} : { threads }
    const engine = await openEngine('gemma', { shaping: false, drafts: false, ...more })
    try {
      const said = await inParallel(PROMPTS, 16, (prompt) => engine.ask(prompt, { maxTokens: 32 }))
      expect(said.every(({ tokens }) => tokens > 0)).toBe(true)
      answers.push(said.map(({ text }) => text))
    } finally {
      await engine.close()
    }
  }
  expect(answers[1]).toEqual(answers[0])
  expect(new Set(answers[0]).size).toBeGreaterThan(1)
}, 300_000)

/** Ends by itself, should nobody end it. */
const BUSY = 'const end = Date.now() + 120_000; while (Date.now() < end);'

test.skipIf(availableParallelism() < 2)(
  'beside others that take its cores, fewer threads decode, and say so',
  async () => {
    const engine = await openEngine('smollm2', { shaping: false })
    const others = Array.from({ length: availableParallelism() }, () =>
      spawn(process.execPath, ['-e', BUSY]),
    )
    try {
      const asked = { fewer: false }
      const ask = async () => {
        while (!asked.fewer) await engine.ask(PROMPTS[0]!, { maxTokens: 16 })
      }
      const asking = ask()
      const fewer = () => engine.client.stats().threads < availableParallelism()
      await until(() => engine.client.stats().threads > 0, 'a step', 60_000)
      await until(fewer, 'fewer threads', 60_000).finally(() => (asked.fewer = true))
      await asking
    } finally {
      for (const other of others) other.kill()
      await engine.close()
    }
  },
  200_000,
)

test.skipIf(availableParallelism() < 2)(
  'the cost of steps is not measured while others take the cores, but once they are gone',
  async () => {
    const stateFolder = await mkdtemp(join(tmpdir(), 'serantau-crowd-'))
    const measured = () => existsSync(join(stateFolder, 'cost-table.json'))
    const others = Array.from({ length: availableParallelism() - 1 }, () =>
      spawn(process.execPath, ['-e', BUSY]),
    )
    const engine = await engineOptions('gemma', { stateFolder, slots: 32 })
    const client = new EngineClient({ engine, report: () => undefined })
    try {
      await until(() => client.status().state === 'ready', 'ready', 120_000)
      // All steps take some six seconds where nobody else is; that others are there is seen after two.
      await sleep(10_000)
      expect(measured()).toBe(false)
      for (const other of others) other.kill()
      await until(measured, 'steps measured', 100_000)
    } finally {
      for (const other of others) other.kill()
      await client.close()
      await rm(stateFolder, { recursive: true, force: true })
    }
  },
  250_000,
)
