import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import * as files from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CostTable } from '../../server/engine/cost-table.ts'
import {
  costTableText,
  judgeCostTable,
  readCostTable,
  writeCostTable,
} from '../../server/engine/cost-table-file.ts'
import type { CostKey } from '../../server/engine/cost-table-file.ts'

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof files>()
  return { ...real, open: vi.fn(real.open) }
})

const key: CostKey = {
  ...{ model: 'm1', build: 'b1', host: 'h1' },
  ...{ threads: 2, cores: 2, slots: 3, contextSize: 64 },
}
const table = new CostTable([10, 11.5, 13])
const text = costTableText(key, table)

let folder = ''
let warnings: unknown[] = []
const warn = (warning: unknown) => warnings.push(warning)
const path = () => join(folder, 'cost-table.json')
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serantau-costs-'))
  warnings = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('a cost table', () => {
  test('of an earlier start is found again by the same model, host and build', async () => {
    expect(await readCostTable(folder, key, warn)).toBeUndefined()
    expect(await writeCostTable(folder, key, table, warn)).toBe(true)
    expect((await readCostTable(folder, key, warn))?.ms).toEqual(table.ms)
    expect(warnings).toEqual([])
    expect(readdirSync(folder)).toEqual(['cost-table.json'])
    expect(statSync(path()).mode & 0o777).toBe(0o600)
  })

  const others: [Partial<CostKey>, string][] = [
    [{ model: 'm2' }, 'other_model'],
    [{ build: 'b2' }, 'other_build'],
    [{ host: 'h2' }, 'other_host'],
    [{ threads: 4 }, 'other_threads'],
    [{ cores: 0.5 }, 'other_threads'],
    [{ slots: 4 }, 'other_slots'],
    [{ contextSize: 128 }, 'other_context'],
  ]
  test.each(others)('is refused with one warning for %o, then replaced', async (change, cause) => {
    await writeCostTable(folder, key, table, warn)
    const own = { ...key, ...change }
    expect(await readCostTable(folder, own, warn)).toBeUndefined()
    expect(warnings).toEqual([{ event: 'cost_table_refused', cause }])
    const measured = new CostTable(Array.from({ length: own.slots }, (_, at) => at + 1))
    await writeCostTable(folder, own, measured, warn)
    expect((await readCostTable(folder, own, warn))?.ms).toEqual(measured.ms)
    expect(warnings).toHaveLength(1)
  })

  test('that is cut off anywhere is refused', () => {
    for (let length = 0; length < text.length; length++) {
      expect(judgeCostTable(text.slice(0, length), key)).toBe('unreadable')
    }
  })

  test('with any bit flipped is refused', () => {
    const bytes = Buffer.from(text)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
        const flipped = Buffer.from(bytes)
        flipped[at]! ^= 1 << bit
        expect(judgeCostTable(flipped.toString(), key)).toBeTypeOf('string')
      }),
    )
  })

  test('with a number changed is damaged, though it is a number still', () => {
    expect(judgeCostTable(text.replace('11.5', '11.4'), key)).toBe('damaged')
    expect(judgeCostTable(text, key)).toBeInstanceOf(CostTable)
  })

  test('whose file is damaged is refused with one warning', async () => {
    writeFileSync(path(), text.slice(0, -9))
    expect(await readCostTable(folder, key, warn)).toBeUndefined()
    expect(warnings).toEqual([{ event: 'cost_table_refused', cause: 'unreadable' }])
  })
})

describe('a folder that cannot be used', () => {
  test('because it is a file: one warning, when the table is to be kept', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    expect(await readCostTable(file, key, warn)).toBeUndefined()
    expect(await writeCostTable(file, key, table, warn)).toBe(false)
    expect(warnings).toEqual([{ event: 'cost_table_not_saved', cause: 'folder_missing' }])
  })

  test.each([
    ['EROFS', 'folder_read_only'],
    ['EACCES', 'folder_read_only'],
    ['ENOSPC', 'folder_full'],
  ])('because of %s: one warning', async (code, cause) => {
    vi.mocked(files.open).mockRejectedValueOnce(Object.assign(new Error(code), { code }))
    expect(await writeCostTable(folder, key, table, warn)).toBe(false)
    expect(warnings).toEqual([{ event: 'cost_table_not_saved', cause }])
  })

  test('because it is full: one warning, nothing is left over, the table before stays', async () => {
    await writeCostTable(folder, key, table, warn)
    const { open } = await vi.importActual<typeof files>('node:fs/promises')
    vi.mocked(files.open).mockImplementationOnce(async (...given) => {
      const file = await open(...given)
      file.sync = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
      return file
    })
    expect(await writeCostTable(folder, key, new CostTable([1, 2, 3]), warn)).toBe(false)
    expect(warnings).toEqual([{ event: 'cost_table_not_saved', cause: 'folder_full' }])
    expect(readdirSync(folder)).toEqual(['cost-table.json'])
    expect(readFileSync(path(), 'utf8')).toBe(text)
  })
})
