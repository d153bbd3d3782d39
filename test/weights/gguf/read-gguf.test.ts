import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inMemory } from '../../../weights/gguf/byte-source.ts'
import { readGguf } from '../../../weights/gguf/read-gguf.ts'
import {
  TYPES,
  array,
  ggufFile,
  ggufHeader,
  ggufOf,
  ggufText,
  pairBytes,
  tensorBytes,
  text,
  texts,
  u32,
  u64,
} from '../../helpers/small-gguf.ts'
import type { Pair, Tensor } from '../../helpers/small-gguf.ts'
import { CHAT } from '../../helpers/small-models.ts'
import { read, readRefusal, refusalOf } from './refusals.ts'

const bytes = (length: number, write: (buffer: Buffer) => void) => {
  const buffer = Buffer.alloc(length)
  write(buffer)
  return buffer
}
const file = (...pairs: Pair[]) => ggufFile({ pairs, tensors: [] })
const tensors = (...all: Tensor[]) => ggufFile({ pairs: [], tensors: all })

const SCALARS: [keyof typeof TYPES, Buffer, number | bigint | boolean][] = [
  ['u8', Buffer.of(250), 250],
  ['i8', Buffer.of(250), -6],
  ['u16', bytes(2, (b) => b.writeUInt16LE(60_000)), 60_000],
  ['i16', bytes(2, (b) => b.writeInt16LE(-2)), -2],
  ['u32', u32(4_000_000_000), 4_000_000_000],
  ['i32', bytes(4, (b) => b.writeInt32LE(-7)), -7],
  ['f32', bytes(4, (b) => b.writeFloatLE(0.5)), 0.5],
  ['bool', Buffer.of(1), true],
  ['u64', u64(2n ** 63n), 2n ** 63n],
  ['i64', u64(2n ** 64n - 1n), -1n],
  ['f64', bytes(8, (b) => b.writeDoubleLE(-1.25)), -1.25],
]

/** Every kind of value, as a model's file has them. */
const PAIRS: Pair[] = [
  ...SCALARS.map(([type, value]) => ({ key: `a.${type}`, type: TYPES[type], value })),
  { key: 'false', type: TYPES.bool, value: Buffer.of(0) },
  text('template', '{{ สวัสดี }}'),
  texts('tokens', ['<s>', '', 'ก', 'end']),
  array('scores', TYPES.f32, [Buffer.alloc(12)], 3),
  array('none', TYPES.i32, []),
]
const WHOLE = file(...PAIRS)

describe('metadata', () => {
  test('is read as it stands, with its place: scalars, text, and arrays by type and length', () => {
    const { metadata, version } = read(WHOLE)
    expect(version).toBe(3)
    for (const [type, , value] of SCALARS) {
      expect(metadata.get(`a.${type}`)).toMatchObject({ type, value })
    }
    expect(metadata.get('false')).toMatchObject({ type: 'bool', value: false })
    const template = metadata.get('template')!
    expect(template).toMatchObject({ type: 'string', value: '{{ สวัสดี }}' })
    expect(WHOLE.subarray(template.at).toString('latin1', 0, 3)).toBe('{{ ')
    expect(metadata.get('tokens')).toMatchObject({ type: 'array', elements: 'string', length: 4 })
    expect(metadata.get('scores')).toMatchObject({ elements: 'f32', length: 3, bytes: 12 })
    expect(metadata.get('none')).toMatchObject({ elements: 'i32', length: 0, bytes: 0 })
    expect(metadata.size).toBe(PAIRS.length)
  })

  test('may be longer than what is read at a time, at whatever place that ends', () => {
    const word = ggufText('x'.repeat(37))
    const many = Array.from({ length: 60_000 }, () => word)
    const long = 'y'.repeat(3 << 20)
    const { metadata } = read(
      file(
        array('tokens', TYPES.string, many),
        array('types', TYPES.i32, [Buffer.alloc(1 << 22)], 1 << 20),
        text('long', long),
        { key: 'last', type: TYPES.u32, value: u32(9) },
      ),
    )
    expect(metadata.get('tokens')).toMatchObject({ length: 60_000, bytes: 60_000 * 45 })
    expect(metadata.get('types')).toMatchObject({ length: 1 << 20 })
    expect(metadata.get('long')).toMatchObject({ value: long })
    expect(metadata.get('last')).toMatchObject({ value: 9 })
  })

  test('that ends anywhere too early is refused, with the place', () => {
    for (let end = 0; end < WHOLE.length; end++) {
      const { code, problems } = readRefusal(WHOLE.subarray(0, end))
      expect(code).toBe('WEIGHTS_CORRUPT')
      const at = Number(/, byte (\d+), ./.exec(problems[0]!.path)?.[1])
      expect(at).toBeLessThanOrEqual(end)
      expect(problems[0]!.got).not.toBe('')
    }
  })

  test.each([13, 255, 2 ** 32 - 1])('of type %i is refused', (type) => {
    expect(readRefusal(file({ key: 'a', type, value: Buffer.alloc(64) })).message).toContain(
      `a type of GGUF (0 to 12), got type ${type}`,
    )
    const nested = array('a', type, [Buffer.alloc(64)], 1)
    expect(readRefusal(file(nested)).message).toContain(`got type ${type}`)
  })

  test('may not say what is neither true nor false', () => {
    const { message } = readRefusal(file({ key: 'a', type: TYPES.bool, value: Buffer.of(2) }))
    expect(message).toContain('expected 0 or 1, got 2')
  })

  test.each([
    ['empty', ''],
    ['with a line end', 'general.name\n'],
    ['with a zero', 'general\0name'],
    ['of other letters', 'général.name'],
  ])('under a key that is %s is refused', (_what, key) => {
    const { message } = readRefusal(file({ key, type: TYPES.u64, value: u64(1) }))
    expect(message).toMatch(/byte 3\d, key 0: expected a name of printable ASCII characters/)
  })

  test('is refused where a key comes twice', () => {
    const { message } = readRefusal(file(text('a.b', 'x'), text('a.b', 'y')))
    expect(message).toContain('key 1: expected a key once, got "a.b" again')
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

describe('a header', () => {
  const { header, size } = ggufOf(CHAT)

  test('is enough: values of tensors are never read', () => {
    const whole = read(header, size)
    expect(whole.tensors).toHaveLength(CHAT.tensors.length)
    const last = whole.tensors.at(-1)!
    expect(last.at + last.bytes).toBe(size)
  })

  test.each([
    ['nothing', Buffer.alloc(0), 'magic: expected 4 bytes more, got 0: the file ends'],
    ['half of it', ggufHeader(1, 1).subarray(0, 23), 'values: expected 8 bytes more, got 7'],
    ['another format', Buffer.alloc(64, 'x'), 'byte 0, magic: expected "GGUF", got "xxxx"'],
    ['zeros', Buffer.alloc(64), 'byte 0, magic: expected "GGUF", got "????"'],
    ['version 1', ggufHeader(1, 1, 1), 'byte 4, version: expected version 2 or 3, got 1'],
    ['version 99', ggufHeader(1, 1, 99), 'expected version 2 or 3, got 99'],
    [
      'the other order of bytes',
      ggufHeader(1, 1, 3 << 24),
      'expected version 2 or 3, got 50331648',
    ],
  ])('of %s is refused with what was found', (_what, content, says) => {
    expect(readRefusal(content).message).toContain(says)
  })

  test('of version 2 is read', () => {
    expect(read(ggufFile({ ...CHAT, version: 2 })).version).toBe(2)
  })

  test('longer than any model has is refused at once, whatever stands in it', () => {
    // 100 GB of texts of no length: a reader that counts on would count for minutes.
    const endless = Buffer.concat([
      ggufHeader(0, 1),
      ggufText('a'),
      u32(TYPES.array),
      u32(TYPES.string),
      u64(10_000_000_000),
    ])
    const size = 100e9
    const source = {
      size,
      read: (at: number, target: Uint8Array) => {
        target.fill(0)
        if (at < endless.length) endless.copy(target, 0, at)
        return target.length
      },
    }
    const { message } = refusalOf(() => readGguf(source, 'a.gguf'))
    expect(message).toContain('expected a header of at most 67108864 bytes')
  })
})

describe('tensors', () => {
  const one: Tensor = { name: 't', shape: [8, 2], type: 0 }

  test('are told with shape, type and place', () => {
    const found = read(tensors(one, { name: 'u', shape: [32], type: 8, bytes: 34 }))
    expect(found.tensors).toMatchObject([
      { name: 't', shape: [8, 2], type: { name: 'F32' }, bytes: 64 },
      { name: 'u', shape: [32], type: { name: 'Q8_0' }, bytes: 34 },
    ])
    expect(found.tensors[1]!.at - found.tensors[0]!.at).toBe(64)
    expect(found.tensors[0]!.at % 32).toBe(0)
  })

  test.each<[string, Tensor, string]>([
    ['no dimension', { ...one, shape: [] }, '1 to 4 dimensions, got 0'],
    ['five dimensions', { ...one, shape: [1, 1, 1, 1, 1] }, '1 to 4 dimensions, got 5'],
    ['no values', { ...one, shape: [8, 0] }, 'at least one value, and at most 2^53, got 8 x 0'],
    ['too many values', { ...one, shape: [2 ** 30, 2 ** 30], bytes: 64 }, 'at most 2^53'],
    // (2^32)^2 is 0 in 64 bits: a reader that multiplies like that finds that it fits.
    ['values that overflow', { ...one, shape: [2 ** 32, 2 ** 32], bytes: 64 }, 'at most 2^53'],
    [
      'a row of half a block',
      { ...one, shape: [48], type: 8, bytes: 51 },
      'blocks of 32 (Q8_0), got rows of 48',
    ],
    ['a type that was removed', { ...one, type: 4 }, "a type of llama.cpp's, got type 4"],
    ['a type that never was', { ...one, type: 4000 }, 'got type 4000'],
    ['a long name', { ...one, name: 'x'.repeat(64) }, 'at most 63 bytes of a name, got 64'],
    ['no name', { ...one, name: '' }, 'a name of printable ASCII characters'],
  ])('with %s are refused', (_what, tensor, says) => {
    expect(readRefusal(tensors(tensor)).message).toContain(says)
  })

  test('with a name twice are refused', () => {
    expect(readRefusal(tensors(one, one)).message).toContain('a tensor of that name once')
  })

  test.each([
    ['behind a gap', 128],
    ['on each other', 32],
    ['beside the alignment', 65],
    ['before the first', 0],
    ['far behind the end', 2n ** 52n],
    ['at an offset that wraps round', 2n ** 64n - 32n],
  ])('that lie %s are refused', (_what, offset) => {
    const content = Buffer.concat([
      ggufHeader(2, 0),
      tensorBytes(one, 0),
      tensorBytes({ ...one, name: 'u' }, offset),
      Buffer.alloc(512),
    ])
    expect(readRefusal(content).message).toMatch(/tensor "u": expected (an offset of 64|at most)/)
  })

  test('whose values go beyond the end are refused, by a single byte', () => {
    const content = tensors(one, { ...one, name: 'u' })
    expect(() => read(content)).not.toThrow()
    const { message } = readRefusal(content.subarray(0, -1))
    expect(message).toContain('tensor "u": expected 64 bytes of values within the file')
  })

  test.each([64, 4096, 1 << 20])('may be aligned to %i bytes', (alignment) => {
    const pair = { key: 'general.alignment', type: TYPES.u32, value: u32(alignment) }
    const found = read(
      ggufFile({ pairs: [pair], tensors: [one, { ...one, name: 'u' }], alignment }),
    )
    const [first, second] = found.tensors.map(({ at }) => at)
    expect([first! % alignment, second! - first!]).toEqual([0, alignment])
  })

  test.each([0, 1, 8, 16, 33, 48, 1 << 21, 2 ** 32 - 1])(
    'may not be aligned to %i bytes',
    (alignment) => {
      const pair = { key: 'general.alignment', type: TYPES.u32, value: u32(alignment) }
      const { message } = readRefusal(file(pair))
      expect(message).toContain(`"general.alignment": expected a power of two from 32 to 1048576`)
      expect(message).toContain(`got ${alignment} (u32)`)
    },
  )

  test('may not be aligned by a number of another type', () => {
    const pair = { key: 'general.alignment', type: TYPES.u64, value: u64(32) }
    expect(readRefusal(file(pair)).message).toContain('got 32 (u64)')
  })
})

/** Small files over which readers have hung, died or read what was not theirs (docs/reference/campaigns/gguf.md). */
describe('a file that was made to harm its reader is refused at once:', () => {
  const claims = (key: string, type: number, value: Buffer): Buffer =>
    Buffer.concat([ggufHeader(0, 1), pairBytes({ key, type, value })])
  const lengths = [2n ** 40n, 2n ** 60n, 2n ** 62n, 2n ** 64n - 1n, 3_000_000_000n]

  test.each(lengths)('an array of %i elements', (length) => {
    for (const elements of [TYPES.u8, TYPES.i32, TYPES.string, TYPES.f64]) {
      const content = claims('a', TYPES.array, Buffer.concat([u32(elements), u64(length)]))
      expect(content).toHaveLength(49)
      expect(readRefusal(content).message).toMatch(/byte \d+, "a": expected /)
    }
  })

  test.each(lengths)('a text of %i bytes', (length) => {
    expect(readRefusal(claims('a', TYPES.string, u64(length))).message).toContain(
      `expected at most 10000000 bytes of text, got ${length}`,
    )
    const inArray = Buffer.concat([u32(TYPES.string), u64(1), u64(length)])
    expect(readRefusal(claims('a', TYPES.array, inArray)).message).toContain(`got ${length}`)
  })

  test.each(lengths)('a key of %i bytes', (length) => {
    const content = Buffer.concat([ggufHeader(0, 1), u64(length)])
    expect(content).toHaveLength(32)
    expect(readRefusal(content, 1000).message).toContain(
      `at most 65535 bytes of a name, got ${length}`,
    )
  })

  test.each([2n ** 60n, 2n ** 64n - 1n, 16_385n])('%i metadata values', (count) => {
    expect(readRefusal(ggufHeader(0, count)).message).toContain(
      `number of metadata values: expected at most 16384 metadata values, got ${count}`,
    )
  })

  test.each([2n ** 60n, 2n ** 64n - 1n, 16_385n])('%i tensors', (count) => {
    expect(readRefusal(ggufHeader(count, 0)).message).toContain(
      `number of tensors: expected at most 16384 tensors, got ${count}`,
    )
  })

  test('four thousand million dimensions', () => {
    const content = Buffer.concat([ggufHeader(1, 0), ggufText('t'), u32(0xffff_ffff)])
    expect(content).toHaveLength(37)
    expect(readRefusal(content, 1000).message).toContain('1 to 4 dimensions, got 4294967295')
  })

  test('a tensor and a value that are claimed, with nothing behind', () => {
    const { message } = readRefusal(ggufHeader(1, 1))
    expect(message).toContain('1 tensors and 1 metadata values in 24 bytes')
  })

  test('fifty thousand arrays in each other', () => {
    const level = Buffer.concat([u32(TYPES.array), u64(1)])
    const levels = Buffer.concat(Array.from({ length: 50_000 }, () => level))
    expect(readRefusal(claims('a', TYPES.array, levels)).message).toContain('an array of arrays')
  })

  test('an array as long as the file, of elements that are longer', () => {
    const wide = file(array('a', TYPES.f64, [Buffer.alloc(4000)], 4000))
    expect(readRefusal(wide).message).toContain('expected 32000 bytes more, got')
  })

  test('a name that would write on a terminal, which no message repeats', () => {
    const { message } = readRefusal(file(text('\x1b[2J\x07\u202e', 'x')))
    expect(message).not.toMatch(/(?! )[\p{C}\p{Z}]/u)
  })

  test('a file that shrinks while it is read', () => {
    const { header, size } = ggufOf(CHAT)
    const source = inMemory(header.subarray(0, 100), size)
    expect(refusalOf(() => readGguf(source, 'a.gguf')).message).toContain('they cannot be read')
  })
})
