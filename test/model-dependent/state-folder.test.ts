import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CostTable } from '../../server/engine/cost-table.ts'
import { costTableText, judgeCostTable } from '../../server/engine/cost-table-file.ts'
import type { CostKey } from '../../server/engine/cost-table-file.ts'
import { EngineClient } from '../../server/engine/engine-client.ts'
import { forkEngine } from '../../server/engine/fork-engine.ts'
import type { EngineOptions, FromEngine } from '../../server/engine/protocol.ts'
import type { EngineWarning } from '../../server/engine/warning.ts'
import { engineOptions, requestOf } from '../campaign/open-engine.ts'
import { until } from '../helpers/roles.ts'

const MIB = 2 ** 20
const SLOTS = 2
const READY_MS = 60_000
/** Steps of one and two rows take no second, but wait for others to leave the cores. */
const MEASURED_MS = 100_000
const PROMPT = Array.from({ length: 20 }, (_, at) => 1000 + at)
/** SmolLM2 keeps 23,040 bytes of each token: a mebibyte holds 45, and this has more than 100. */
const LISTED = [
  'Give the law first, then the office that decides, then how long it takes. '.repeat(8),
]

const tableIn = (folder: string) => join(folder, 'cost-table.json')

/**
 * Starts an engine, has it answer before and after `meanwhile`, and returns all that the process warned
 * of until it was closed: EngineClient itself tells once what is said twice.
 */
async function warningsOf(
  more: Partial<EngineOptions>,
  meanwhile: (warnings: readonly EngineWarning[]) => Promise<void>,
): Promise<EngineWarning[]> {
  const warnings: EngineWarning[] = []
  const fork = () => {
    const child = forkEngine()
    child.on('message', (message) => {
      const said = message as FromEngine
      if (said.kind === 'warning') warnings.push(said.warning)
    })
    return child
  }
  const engine = await engineOptions('smollm2', { slots: SLOTS, ...more })
  const client = new EngineClient({ engine, fork, report: () => undefined })
  try {
    await until(() => client.status().state === 'ready', 'ready', READY_MS)
    await expectAnswer(client)
    await meanwhile(warnings)
    await expectAnswer(client)
    expect(client.status().restarts).toBe(0)
  } finally {
    await client.close()
  }
  return warnings
}

async function expectAnswer(client: EngineClient): Promise<void> {
  const request = requestOf(PROMPT, { maxTokens: 4, ignoreEos: true })
  let answered = 0
  for await (const { tokens } of client.generate(request, new AbortController().signal)) {
    answered += tokens
  }
  expect(answered).toBe(4)
}

type Mount = (folder: string) => void

const small: Mount = (folder) => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
}
/** To the last block, as by others that share a volume. */
const full: Mount = (folder) => {
  small(folder)
  const more = Buffer.alloc(2 * MIB)
  expect(() => writeFileSync(join(folder, 'of-others'), more)).toThrow('ENOSPC')
}
/** For root too. */
const readOnly: Mount = (folder) => {
  execFileSync('mount', ['--bind', folder, folder])
  execFileSync('mount', ['-o', 'remount,bind,ro', folder])
}

/** `use` gets a folder of its own that is mounted so. */
async function mounted(mount: Mount, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'serantau-mount-'))
  try {
    mount(folder)
    await use(folder)
  } finally {
    // One that fails shows below: a mount point cannot be removed.
    spawnSync('umount', [folder])
    rmSync(folder, { recursive: true })
  }
}

describe.skipIf(process.getuid?.() !== 0)('an engine serves, after one warning of each', () => {
  test('with system prompts whose state has no room: on the volume, and in memory', async () => {
    await mounted(small, (stateFolder) =>
      mounted(small, async (folder) => {
        const prefixMemory = { folder, bytes: 64 * MIB }
        const options = { stateFolder, systemPrompts: LISTED, prefixMemory }
        const warnings = await warningsOf(options, async (so) => {
          await until(() => so.length >= 2, 'both given up', READY_MS)
          // It takes hundreds of bytes, and what was written in part of the state is removed.
          await until(() => existsSync(tableIn(stateFolder)), 'measured', MEASURED_MS)
        })
        expect(warnings).toHaveLength(2)
        expect(warnings).toContainEqual({ event: 'system_prompt_cache_off', cause: 'folder_full' })
        expect(warnings).toContainEqual({ event: 'prefix_cache_off', cause: 'folder_full' })
      }),
    )
  })

  test('with system prompts on a volume that is read-only', async () => {
    await mounted(readOnly, async (stateFolder) => {
      const options = { stateFolder, systemPrompts: LISTED }
      const warnings = await warningsOf(options, (so) =>
        until(() => so.length > 0, 'given up', READY_MS),
      )
      expect(warnings).toEqual([{ event: 'system_prompt_cache_off', cause: 'folder_read_only' }])
    })
  })

  test.each([
    ['full', full, 'folder_full'],
    ['read-only', readOnly, 'folder_read_only'],
  ])('with a cost table for a volume that is %s', async (_, mount, cause) => {
    await mounted(mount, async (stateFolder) => {
      const warnings = await warningsOf({ stateFolder }, (so) =>
        until(() => so.length > 0, 'measured', MEASURED_MS),
      )
      expect(warnings).toEqual([{ event: 'cost_table_not_saved', cause }])
      expect(existsSync(tableIn(stateFolder))).toBe(false)
    })
  })
})

test('a cost table of another build, then a damaged one: a warning each, served, measured anew', async () => {
  const stateFolder = mkdtempSync(join(tmpdir(), 'serantau-costs-'))
  const path = tableIn(stateFolder)
  const startedOn = async (text: string) => {
    writeFileSync(path, text)
    const warnings = await warningsOf({ stateFolder }, () =>
      until(() => readFileSync(path, 'utf8') !== text, 'measured anew', MEASURED_MS),
    )
    const written = readFileSync(path, 'utf8')
    const { key } = JSON.parse(written) as { key: CostKey }
    expect(judgeCostTable(written, key)).toBeInstanceOf(CostTable)
    return { warnings, written, key }
  }
  try {
    const { digest: model, contextSize, threads } = await engineOptions('smollm2', {})
    const host = { host: 'another', threads, cores: null }
    const other: CostKey = { model, build: 'another', ...host, slots: SLOTS, contextSize }
    const first = await startedOn(costTableText(other, new CostTable([1, 2])))
    expect(first.warnings).toEqual([{ event: 'cost_table_refused', cause: 'other_build' }])
    expect(first.key).toMatchObject({ model, slots: SLOTS, contextSize })
    expect(first.key.build).not.toBe('another')

    const second = await startedOn(withAnotherDigit(first.written))
    expect(second.warnings).toEqual([{ event: 'cost_table_refused', cause: 'damaged' }])
    expect(second.key).toEqual(first.key)
  } finally {
    rmSync(stateFolder, { recursive: true })
  }
})

/** The first digit of the first cost: the last one may be beyond what a number holds. */
function withAnotherDigit(text: string): string {
  const damaged = text.replace(/(?<="ms":\[)\d/, (digit) => (digit === '9' ? '8' : `${+digit + 1}`))
  expect(damaged).not.toBe(text)
  return damaged
}
