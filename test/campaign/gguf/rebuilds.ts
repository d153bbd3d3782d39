/** Files that a wrong program could write: sound in their lengths, wrong in what they say. Pure. */
import { TYPES, ggufText, u32, u64 } from '../../helpers/small-gguf.ts'
import type { GgufParts, Pair, Tensor } from '../../helpers/small-gguf.ts'
import { HARD_NUMBERS, below, pick } from './numbers.ts'
import type { Random } from './numbers.ts'

type Rebuild = (parts: GgufParts, random: Random) => GgufParts

export const REBUILDS: Readonly<Record<string, Rebuild>> = {
  'a key twice': (parts, random) => ({
    ...parts,
    pairs: inserted(parts.pairs, random, pick(random, parts.pairs)),
  }),
  'a key left out': (parts, random) => ({ ...parts, pairs: without(parts.pairs, random) }),
  'keys in another order': (parts, random) => ({ ...parts, pairs: swapped(parts.pairs, random) }),
  'the value of another key': (parts, random) => {
    const { type, value } = pick(random, parts.pairs)
    return withPair(parts, random, (pair) => ({ ...pair, type, value }))
  },
  'a value of another type': (parts, random) =>
    withPair(parts, random, (pair) => ({ ...pair, ...anyScalar(random) })),
  'a text that is strange': (parts, random) =>
    withPair(parts, random, (pair) => ({
      ...pair,
      type: TYPES.string,
      value: ggufText(pick(random, STRANGE_TEXTS)),
    })),
  'arrays in arrays': (parts, random) =>
    withPair(parts, random, (pair) => ({
      ...pair,
      type: TYPES.array,
      value: nested(1 + below(random, 200)),
    })),
  'an array of another type': (parts, random) =>
    withPair(parts, random, (pair) => ({
      ...pair,
      type: TYPES.array,
      value: anyArray(random),
    })),
  'a tensor twice': (parts, random) => ({
    ...parts,
    tensors: inserted(parts.tensors, random, pick(random, parts.tensors)),
  }),
  'a tensor left out': (parts, random) => ({ ...parts, tensors: without(parts.tensors, random) }),
  'tensors in another order': (parts, random) => ({
    ...parts,
    tensors: swapped(parts.tensors, random),
  }),
  'a tensor of another shape': (parts, random) =>
    withTensor(parts, random, (tensor) => ({
      ...tensor,
      shape: Array.from({ length: 1 + below(random, 4) }, () => pick(random, SIDES)),
    })),
  'a tensor of another type': (parts, random) =>
    withTensor(parts, random, (tensor) => {
      const type = pick(random, SAME_SIZE)
      return { ...tensor, type }
    }),
  'another alignment': (parts, random) => {
    const alignment = 1 << below(random, 12)
    const pair = { key: 'general.alignment', type: TYPES.u32, value: u32(alignment) }
    return { ...parts, alignment, pairs: [...parts.pairs, pair] }
  },
}

/** Types whose values are as long as those of F32: nothing else in the file has to change. */
const SAME_SIZE = [0, 26]
const SIDES = [1, 2, 3, 4, 8, 16, 32, 64, 128]
const STRANGE_TEXTS = [
  ...['', '\0', 'a\0b', '\n', '\x1b[2J', '../../etc/passwd', 'x'.repeat(5000)],
  ...['none', 'no_vocab', 'llama', 'bert', 'gpt2', 't5', 'rwkv', 'plamo2', 'test', 'clip'],
  ...['default', 'linear', 'yarn', 'longrope', 'adapter', 'mmproj', '\u202e', '\ud800'],
]

function anyScalar(random: Random): Pick<Pair, 'type' | 'value'> {
  const bits = u64(pick(random, HARD_NUMBERS))
  const [type, bytes] = pick(random, [
    ...([
      [TYPES.u8, 1],
      [TYPES.i8, 1],
      [TYPES.u16, 2],
      [TYPES.i16, 2],
      [TYPES.u32, 4],
      [TYPES.i32, 4],
      [TYPES.f32, 4],
      [TYPES.u64, 8],
      [TYPES.i64, 8],
      [TYPES.f64, 8],
    ] as const),
  ])
  return { type, value: bits.subarray(0, bytes) }
}

function anyArray(random: Random): Buffer {
  const count = below(random, 600)
  if (random() < 0.4) {
    const words = Array.from({ length: count }, (_, at) => ggufText(`w${at % 500}`))
    return Buffer.concat([u32(TYPES.string), u64(count), ...words])
  }
  const { type, value } = anyScalar(random)
  return Buffer.concat([u32(type), u64(count), ...Array.from({ length: count }, () => value)])
}

function nested(depth: number): Buffer {
  const level = Buffer.concat([u32(TYPES.array), u64(1)])
  return Buffer.concat([...Array.from({ length: depth }, () => level), u32(TYPES.u32), u64(0)])
}

function withPair(parts: GgufParts, random: Random, change: (pair: Pair) => Pair): GgufParts {
  return { ...parts, pairs: replaced(parts.pairs, random, change) }
}

function withTensor(
  parts: GgufParts,
  random: Random,
  change: (tensor: Tensor) => Tensor,
): GgufParts {
  return { ...parts, tensors: replaced(parts.tensors, random, change) }
}

function replaced<Item>(
  items: readonly Item[],
  random: Random,
  change: (item: Item) => Item,
): Item[] {
  const at = below(random, items.length)
  return items.map((item, index) => (index === at ? change(item) : item))
}

function inserted<Item>(items: readonly Item[], random: Random, item: Item): Item[] {
  return items.toSpliced(below(random, items.length + 1), 0, item)
}

const without = <Item>(items: readonly Item[], random: Random): Item[] =>
  items.toSpliced(below(random, items.length), 1)

function swapped<Item>(items: readonly Item[], random: Random): Item[] {
  const [one, other] = [below(random, items.length), below(random, items.length)]
  return items.with(one, items[other]!).with(other, items[one]!)
}
