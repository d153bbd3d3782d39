import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KitError } from '../../catalog/errors.ts'
import { readGgufMetadata } from '../../weights/gguf-metadata.ts'
import { ggufArray, ggufHeader, ggufPair, ggufString, smallGguf } from '../helpers/small-gguf.ts'

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'serantau-gguf-'))))
afterAll(() => rmSync(folder, { recursive: true }))

function read(content: Buffer) {
  const path = join(folder, 'a.gguf')
  writeFileSync(path, content)
  return readGgufMetadata(path)
}

/** What is said of a file that cannot be read. */
function refusal(content: Buffer): KitError {
  try {
    read(content)
  } catch (error) {
    if (error instanceof KitError) return error
    throw error
  }
  throw new Error('it was read')
}

const bytes = (length: number, write: (buffer: Buffer) => void) => {
  const buffer = Buffer.alloc(length)
  write(buffer)
  return buffer
}
const u64 = (value: bigint) => bytes(8, (buffer) => buffer.writeBigUInt64LE(value))
const file = (...pairs: Buffer[]) => Buffer.concat([ggufHeader(1n, BigInt(pairs.length)), ...pairs])

const SCALARS: [string, number, Buffer, number | bigint | boolean][] = [
  ['u8', 0, Buffer.of(250), 250],
  ['i8', 1, Buffer.of(250), -6],
  ['u16', 2, bytes(2, (b) => b.writeUInt16LE(60_000)), 60_000],
  ['i16', 3, bytes(2, (b) => b.writeInt16LE(-2)), -2],
  ['u32', 4, bytes(4, (b) => b.writeUInt32LE(4_000_000_000)), 4_000_000_000],
  ['i32', 5, bytes(4, (b) => b.writeInt32LE(-7)), -7],
  ['f32', 6, bytes(4, (b) => b.writeFloatLE(0.5)), 0.5],
  ['true', 7, Buffer.of(1), true],
  ['false', 7, Buffer.of(0), false],
  ['u64', 10, u64(2n ** 63n), 2n ** 63n],
  ['i64', 11, u64(2n ** 64n - 1n), -1n],
  ['f64', 12, bytes(8, (b) => b.writeDoubleLE(-1.25)), -1.25],
]

/** Every kind of value, as a model's file has them. */
const WHOLE = file(
  ...SCALARS.map(([name, type, value]) => ggufPair(name, type, value)),
  ggufPair('template', 8, ggufString('{{ สวัสดี }}')),
  ggufPair('tokens', 9, ggufArray(8, ['<s>', '', 'ก', 'end'].map(ggufString))),
  ggufPair('scores', 9, ggufArray(6, [Buffer.alloc(12)], 3)),
  ggufPair('none', 9, ggufArray(5, [])),
)

describe('metadata', () => {
  test('is read as it stands: scalars, text, and arrays by their length', () => {
    const found = read(Buffer.concat([WHOLE, Buffer.alloc(100)]))
    for (const [name, , , value] of SCALARS) expect([name, found.get(name)]).toEqual([name, value])
    expect(found.get('template')).toBe('{{ สวัสดี }}')
    expect(found.get('tokens')).toEqual({ length: 4 })
    expect(found.get('scores')).toEqual({ length: 3 })
    expect(found.get('none')).toEqual({ length: 0 })
    expect(found.size).toBe(SCALARS.length + 4)
    expect([...read(smallGguf())]).toEqual([['general.architecture', 'none']])
  })

  test('may be longer than what is read at a time, at whatever place that ends', () => {
    const word = ggufString('x'.repeat(37))
    const many = Array.from({ length: 60_000 }, () => word)
    const long = 'y'.repeat(3 << 20)
    const found = read(
      file(
        ggufPair('tokens', 9, ggufArray(8, many)),
        ggufPair('types', 9, ggufArray(5, [Buffer.alloc(1 << 22)], 1 << 20)),
        ggufPair('long', 8, ggufString(long)),
        ggufPair('last', 4, Buffer.of(9, 0, 0, 0)),
      ),
    )
    expect(found.get('tokens')).toEqual({ length: 60_000 })
    expect(found.get('types')).toEqual({ length: 1 << 20 })
    expect(found.get('long')).toBe(long)
    expect(found.get('last')).toBe(9)
  })

  test('that ends anywhere too early is refused, with the place', () => {
    for (let end = 0; end < WHOLE.length; end++) {
      const { code, problems } = refusal(WHOLE.subarray(0, end))
      expect(code).toBe('WEIGHTS_CORRUPT')
      const at = Number(/, byte (\d+)$/.exec(problems[0]!.path)?.[1])
      expect(at).toBeLessThanOrEqual(end)
      expect(problems[0]!.got).not.toBe('')
    }
  })

  const huge = [2n ** 40n, 2n ** 60n, 2n ** 64n - 1n]
  test.each(huge)('of a claimed length of %s is refused at once', (length) => {
    const claims = [
      Buffer.concat([ggufHeader(1n, length), Buffer.alloc(500)]),
      file(Buffer.concat([u64(length), Buffer.alloc(500)])),
      file(ggufPair('a', 8, Buffer.concat([u64(length), Buffer.alloc(500)]))),
      ...[0, 5, 8, 12].map((type) =>
        file(ggufPair('a', 9, Buffer.concat([Buffer.of(type, 0, 0, 0), u64(length)]))),
      ),
      file(ggufPair('a', 9, ggufArray(8, [u64(length)]))),
    ]
    for (const claim of claims) expect(refusal(claim).message).toContain(`${length} `)
  })

  test('whose array claims as many elements as the file has bytes ends with the file', () => {
    // Fits as a number, but not as elements.
    const words = file(ggufPair('a', 9, ggufArray(8, [Buffer.alloc(4000)], 4000)))
    expect(refusal(words).problems[0]?.got).toContain(`ends at ${words.length}`)
    const wide = file(ggufPair('a', 9, ggufArray(12, [Buffer.alloc(4000)], 4000)))
    expect(refusal(wide).problems[0]?.got).toContain(`ends at ${wide.length}`)
  })

  test.each([13, 255, 2 ** 32 - 1])('of type %i is refused', (type) => {
    const number = bytes(4, (buffer) => buffer.writeUInt32LE(type))
    expect(refusal(file(ggufPair('a', type, Buffer.alloc(64)))).message).toContain(`type ${type}`)
    const array = Buffer.concat([number, u64(1n), Buffer.alloc(64)])
    expect(refusal(file(ggufPair('a', 9, array))).message).toContain(`type ${type}`)
  })

  test('of arrays in arrays is refused: no model has them, and they could nest without end', () => {
    const nested = ggufPair('a', 9, ggufArray(9, [ggufArray(5, [])]))
    expect(refusal(file(nested)).message).toContain('an array of type 9')
  })

  test('with any byte changed is read or refused, never more', () => {
    const change = fc.record({ at: fc.nat(WHOLE.length - 1), byte: fc.nat(255) })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const damaged = Buffer.from(WHOLE)
        for (const { at, byte } of changes) damaged[at] = byte
        try {
          read(damaged)
        } catch (error) {
          expect(error).toMatchObject({ code: 'WEIGHTS_CORRUPT' })
        }
      }),
      { numRuns: 500 },
    )
  })
})
