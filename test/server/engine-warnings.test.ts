import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { ModelConfigSchema } from '../../catalog/serving-config.ts'
import { engineOptions } from '../../server/engine-options.ts'
import { startEarly } from '../../server/engine/early-engine.ts'
import type { EngineWarning } from '../../server/engine/warning.ts'
import { fixOf, WARNING_FIXES } from '../../server/engine/warning-fixes.ts'
import { createLogger } from '../../server/logger.ts'
import { runRole } from '../../server/run-role.ts'
import { API_KEY, DIGEST, MODEL, until, writeKeys } from '../helpers/roles.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const SCRIPT = join(ROOT, 'test', 'helpers', 'scripted-engine-process.ts')

let folder = ''
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Lines of the log of a model role whose engine warns of these and is then ready. */
async function logOf(warnings: readonly EngineWarning[]): Promise<Record<string, unknown>[]> {
  folder = mkdtempSync(join(tmpdir(), 'serantau-warnings-'))
  const keysFile = join(folder, 'keys.json')
  writeKeys(keysFile, [{ name: 'first', key: API_KEY }])
  const config = ModelConfigSchema.parse({
    role: 'model',
    model: {
      ...{ id: MODEL, digest: DIGEST, licence: 'Apache-2.0', file: '/none.gguf' },
      ...{ contextSize: 64, slots: 4, chat: true },
    },
  })
  const texts = warnings.map((warning) => JSON.stringify(warning))
  const forked = fork(SCRIPT, texts, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>)
  const role = await runRole({
    ...{ config, keysFile, host: '127.0.0.1', port: 0, metricsPort: undefined },
    logger: createLogger('model', { write }),
    early: startEarly(forked, engineOptions(config)),
  })
  await until(() => role.engine?.status().state === 'ready', 'ready')
  await role.drain(0)
  return lines
}

describe('a warning of the engine', () => {
  test('is one line of the log, with its cause and its fix', async () => {
    const twice: EngineWarning = { event: 'cost_table_not_saved', cause: 'folder_full' }
    const lines = await logOf([
      twice,
      twice,
      { event: 'system_prompts_unused', causes: { too_short: 2, too_long: 1 } },
    ])
    expect(lines.filter(({ event }) => event === 'cost_table_not_saved')).toEqual([
      expect.objectContaining({
        ...{ level: 'warn', cause: 'folder_full' },
        fix: WARNING_FIXES.cost_table_not_saved.folder_full,
      }),
    ])
    expect(lines).toContainEqual(
      expect.objectContaining({
        causes: { too_short: 2, too_long: 1 },
        fix: expect.stringMatching(/^too_short: write more.*; too_long: .*contextSize/),
      }),
    )
  })

  test('says how to mend each cause on its own', () => {
    expect(fixOf({ event: 'prefix_cache_off', cause: 'folder_missing' })).toContain(
      'medium: Memory',
    )
    expect(fixOf({ event: 'system_prompt_cache_off', cause: 'folder_missing' })).toContain(
      'state.folder',
    )
    const causes = { damaged: 3 }
    expect(fixOf({ event: 'system_prompt_states_refused', causes })).toMatch(/^damaged: .*the disk/)
  })

  test.each(Object.entries(WARNING_FIXES))('%s is documented with its causes', (event, fixes) => {
    const pages = ['prefix-cache.md', 'engine.md'].map((page) =>
      readFileSync(join(ROOT, 'docs', 'concepts', page), 'utf8'),
    )
    const names = [event, ...Object.keys(fixes)]
    expect(names.filter((name) => !pages.join().includes(`\`${name}\``))).toEqual([])
  })
})
