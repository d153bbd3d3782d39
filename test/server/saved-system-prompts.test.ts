import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SavedSystemPrompts } from '../../server/engine/saved-system-prompts.ts'
import type { SavedSystemPromptsOptions } from '../../server/engine/saved-system-prompts.ts'
import { refusal, stateName } from '../../server/engine/system-prompt-header.ts'
import type { StateMaker } from '../../server/engine/system-prompt-header.ts'
import { FakeStateFiles } from '../helpers/fake-state-files.ts'

const maker: StateMaker = { model: 'm1', build: 'b1', host: 'h1', context: 'c1' }
const prompt = { adapter: 'none', tokens: [5, 6, 7, 8] }
const other = { adapter: 'none', tokens: [5, 6, 7, 9] }

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serantau-system-prompts-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** One process after another works on the same folder. */
async function start(options: Partial<SavedSystemPromptsOptions> = {}) {
  const files = new FakeStateFiles()
  const warnings: unknown[] = []
  const tier = await SavedSystemPrompts.open({
    folder,
    maker,
    files,
    warn: (warning) => warnings.push(warning),
    ...options,
  })
  const keep = (what = prompt) => {
    files.slots.set(0, what.tokens)
    return tier.save(what, 0)
  }
  return { tier, files, warnings, keep }
}

const pathOf = (what: typeof prompt, suffix: string) =>
  join(folder, stateName(maker, what) + suffix)
const refused = (causes: Record<string, number>) => [
  { event: 'system_prompt_states_refused', causes },
]
const off = (cause: string) => [{ event: 'system_prompt_cache_off', cause }]

function flip(path: string, at: number) {
  const data = readFileSync(path)
  data[at] = (data[at] ?? 0) ^ 1
  writeFileSync(path, data)
}

describe('saved system prompts', () => {
  test('make a restart warm', async () => {
    const first = await start()
    expect(await first.tier.load(prompt, 3)).toBeUndefined()
    expect(await first.keep()).toBe(true)
    const second = await start()
    expect(await second.tier.load(prompt, 3)).toBe(4)
    expect(second.files.slots.get(3)).toEqual(prompt.tokens)
    expect(await second.tier.load(other, 4)).toBeUndefined()
    expect(await second.keep()).toBe(true)
    expect(second.files.saves).toBe(0)
    expect([...first.warnings, ...second.warnings]).toEqual([])
  })

  test('leave two files that only their owner may read, and no temporary one', async () => {
    await (await start()).keep()
    expect(readdirSync(folder).sort()).toEqual([
      `${stateName(maker, prompt)}.json`,
      `${stateName(maker, prompt)}.state`,
    ])
    for (const name of readdirSync(folder)) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    }
  })

  test('are deleted when they are no longer listed', async () => {
    const { tier, keep } = await start()
    await keep()
    await keep(other)
    await tier.keepOnly([other])
    expect(readdirSync(folder)).toHaveLength(2)
    expect(await tier.load(prompt, 1)).toBeUndefined()
    expect(await tier.load(other, 1)).toBe(4)
  })

  test('have another name when anything that they depend on differs', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ','), maxLength: 2 })
    const made = fc.record({ model: text, build: text, host: text, context: text })
    const asked = fc.record({ adapter: text, tokens: fc.array(fc.nat(2), { maxLength: 2 }) })
    const changes = fc.record(
      { model: text, build: text, host: text, context: text, adapter: text },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(made, asked, changes, (makerA, promptA, { adapter, ...parts }) => {
        const makerB = { ...makerA, ...parts }
        const promptB = { ...promptA, adapter: adapter ?? promptA.adapter }
        const equal = JSON.stringify([makerA, promptA]) === JSON.stringify([makerB, promptB])
        expect(stateName(makerA, promptA) === stateName(makerB, promptB)).toBe(equal)
        const longer = { ...promptA, tokens: [...promptA.tokens, 0] }
        expect(stateName(makerA, longer)).not.toBe(stateName(makerA, promptA))
      }),
      { numRuns: 3000 },
    )
  })

  test('remove what a killed process left, and nothing that is not theirs', async () => {
    await (await start()).keep()
    const leftOver = join(folder, `${'0'.repeat(32)}.part`)
    const theirs = join(folder, 'lost+found')
    writeFileSync(leftOver, 'half')
    mkdirSync(theirs)
    const { tier, warnings } = await start()
    expect([existsSync(leftOver), existsSync(theirs)]).toEqual([false, true])
    expect(await tier.load(prompt, 1)).toBe(4)
    expect(warnings).toEqual([])
  })
})

describe('a bad file of a saved system prompt', () => {
  /** Each spoils what lies on the volume. */
  const SPOILT: Record<string, () => void> = {
    truncated: () => truncateSync(pathOf(prompt, '.state'), 20),
    damaged: () => flip(pathOf(prompt, '.state'), 17),
    unreadable: () => truncateSync(pathOf(prompt, '.json'), 30),
    incomplete: () => rmSync(pathOf(prompt, '.json')),
    renamed: () => {
      for (const suffix of ['.state', '.json']) {
        renameSync(pathOf(prompt, suffix), pathOf(other, suffix))
      }
    },
  }

  test.each(Object.entries(SPOILT))(
    'is refused, deleted and made anew: %s',
    async (cause, spoil) => {
      await (await start()).keep()
      spoil()
      const { tier, files, keep, warnings } = await start()
      expect(warnings).toEqual(refused({ [cause]: 1 }))
      expect(readdirSync(folder)).toEqual([])
      expect(await tier.load(prompt, 1)).toBeUndefined()
      expect(await tier.load(other, 1)).toBeUndefined()
      expect(files.loads).toBe(0)
      expect(await keep()).toBe(true)
      const again = await start()
      expect(await again.tier.load(prompt, 1)).toBe(4)
      expect(again.warnings).toEqual([])
    },
  )

  test.each(['model', 'build', 'host', 'context'] as const)(
    'is refused, deleted and made anew: another %s',
    async (part) => {
      await (await start()).keep()
      await (await start()).keep(other)
      const changed = { maker: { ...maker, [part]: 'x' } }
      const { tier, files, keep, warnings } = await start(changed)
      // One warning for both.
      expect(warnings).toEqual(refused({ [`other_${part}`]: 2 }))
      expect(readdirSync(folder)).toEqual([])
      expect(await tier.load(prompt, 1)).toBeUndefined()
      expect(files.loads).toBe(0)
      expect(await keep()).toBe(true)
      expect(await (await start(changed)).tier.load(prompt, 1)).toBe(4)
    },
  )

  test('is found at any byte of the state and of its header', async () => {
    const state = pathOf(prompt, '.state')
    const header = pathOf(prompt, '.json')
    await (await start()).keep()
    const good = [state, header].map((path) => [path, readFileSync(path)] as const)
    for (const [path, data] of good) {
      for (let at = 0; at < data.length; at++) {
        for (const [restored, bytes] of good) writeFileSync(restored, bytes)
        flip(path, at)
        const { tier, warnings } = await start()
        expect(warnings, `${path} at ${at}`).toHaveLength(1)
        expect(await tier.load(prompt, 1)).toBeUndefined()
      }
    }
  })

  test('is refused when native code does not take it', async () => {
    await (await start()).keep()
    const { tier, files, warnings } = await start()
    files.whileLoading = () => Promise.reject(new Error('failed to restore'))
    expect(await tier.load(prompt, 1)).toBeUndefined()
    expect(warnings).toEqual(refused({ damaged: 1 }))
    expect(readdirSync(folder)).toEqual([])
    expect(tier.on).toBe(true)
  })

  test('never passes for a good one, whatever its header says', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.nat(), (header, bytes) => {
        expect(refusal(maker, 'n', header, bytes)).toBeDefined()
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a volume of system prompts that fails', () => {
  test.each([
    ['that is missing', () => join(folder, 'no')],
    [
      'whose parent is a file',
      () => {
        writeFileSync(join(folder, 'file'), '')
        return join(folder, 'file', 'folder')
      },
    ],
  ])('is not used: a folder %s', async (_, path) => {
    const { tier, keep, warnings } = await start({ folder: path() })
    expect([tier.on, await keep(), await tier.load(prompt, 1)]).toEqual([false, false, undefined])
    expect(warnings).toEqual(off('folder_missing'))
  })

  test.runIf(process.platform === 'linux')('is not used: one that refuses writing', async () => {
    // No file can be made in it, not even by root.
    const { tier, keep, warnings } = await start({ folder: '/proc/self/net' })
    expect([tier.on, await keep()]).toEqual([false, false])
    expect(warnings).toHaveLength(1)
  })

  test.each([
    ['ENOSPC', 'folder_full'],
    ['EROFS', 'folder_read_only'],
    ['', 'failed'],
  ])('is left after %s with one warning and without a half file', async (code, cause) => {
    const { tier, files, keep, warnings } = await start()
    await keep()
    files.slots.set(0, other.tokens)
    const twice = [other, { ...other, adapter: 'a' }].map((what) => {
      files.failSave = Object.assign(new Error('boom'), { code })
      return tier.save(what, 0)
    })
    expect(await Promise.all(twice)).toEqual([false, false])
    expect(await keep(other)).toBe(false)
    expect(tier.on).toBe(false)
    expect(warnings).toEqual(off(cause))
    expect(readdirSync(folder).sort()).toEqual([
      `${stateName(maker, prompt)}.json`,
      `${stateName(maker, prompt)}.state`,
    ])
  })
})
