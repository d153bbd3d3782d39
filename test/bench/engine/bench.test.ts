import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Bench, setupOf } from './bench.ts'
import { startingFlags } from './llama-flags.ts'
import { Prompts } from './prompts.ts'

let states = ''
beforeEach(() => {
  states = mkdtempSync(join(tmpdir(), 'serantau-bench-test-'))
})
afterEach(() => rmSync(states, { recursive: true }))

test('no arm meets the state that another one left, nor that of another workload', () => {
  const setup = { modelId: 'm', file: 'f', slots: 16, threads: 2, peer: undefined }
  const programs = { program: 'p', prebuiltProgram: 'q' }
  const prompts = new Prompts({ start: [], texts: {}, system: { text: '', tokens: [] } })
  const bench: Pick<Bench, 'setup' | 'prompts' | 'states'> = {
    ...{ setup: { ...setup, ...programs }, prompts, states },
  }
  const folders = ['W1', 'W2'].flatMap((workload) =>
    (['ours', 'prebuilt'] as const).map(
      (arm) => setupOf(bench, workload, arm, startingFlags(16)).stateFolder,
    ),
  )
  expect(new Set(folders)).toHaveLength(4)
  for (const folder of folders) expect(existsSync(folder)).toBe(true)
})
