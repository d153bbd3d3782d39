import { randomNumbers } from '../../bench/engine/statistics.ts'
import { ggufOf, withValues } from '../../helpers/small-gguf.ts'
import type { GgufParts } from '../../helpers/small-gguf.ts'
import { SMALL_MODELS } from '../../helpers/small-models.ts'
import type { SmallModel } from '../../helpers/small-models.ts'
import { FIELD_KINDS, fieldsOf } from './fields.ts'
import type { Field, FieldKind } from './fields.ts'
import { below, hardNumber, pick } from './numbers.ts'
import type { Random } from './numbers.ts'
import { REBUILDS } from './rebuilds.ts'

export interface Mutant {
  /** What was done to it. */
  how: string
  seed: SmallModel
  /** A view, good until the next one is made. */
  file: Buffer
}

/** Room for a rebuilt header that is longer than its seed's. */
const ROOM = 1 << 16
const MOST_CHANGES = 3

interface Seed {
  name: SmallModel
  parts: GgufParts
  file: Buffer
  headerBytes: number
  fields: Readonly<Partial<Record<FieldKind, readonly Field[]>>>
}

/** Damaged files, each by its number: the same for the same number, in any order. */
export class Mutants {
  readonly #seeds: readonly Seed[]
  readonly #scratch: Buffer

  constructor() {
    this.#seeds = Object.entries(SMALL_MODELS).map(([name, parts]) =>
      seedOf(name as SmallModel, parts),
    )
    this.#scratch = Buffer.alloc(Math.max(...this.#seeds.map(({ file }) => file.length)) + ROOM)
  }

  at(index: number): Mutant {
    const random = randomNumbers(Math.imul(index + 1, 0x9e37_79b1))
    const seed = pick(random, this.#seeds)
    if (random() < 0.3) return this.#rebuilt(seed, random)
    const file = this.#copied(seed.file, seed.file.length)
    return { seed: seed.name, ...patched(seed, file, random) }
  }

  #rebuilt(seed: Seed, random: Random): Mutant {
    const how = pick(random, Object.keys(REBUILDS))
    const parts = REBUILDS[how]!(seed.parts, random)
    const { header, size } = ggufOf(parts)
    const file = this.#copied(seed.file, Math.min(size, this.#scratch.length))
    header.copy(file)
    return { how, seed: seed.name, file }
  }

  /** `source`, and zeros up to `size`: nothing of the mutants before. */
  #copied(source: Buffer, size: number): Buffer {
    source.copy(this.#scratch)
    if (size > source.length) this.#scratch.fill(0, source.length, size)
    return this.#scratch.subarray(0, size)
  }
}

function seedOf(name: SmallModel, parts: GgufParts): Seed {
  const { header, size } = ggufOf(parts)
  const fields = Object.groupBy(fieldsOf(parts), ({ kind }) => kind)
  return { name, parts, file: withValues(header, size), headerBytes: header.length, fields }
}

/** One to three changes of the bytes of `file`, of one kind. */
function patched(seed: Seed, file: Buffer, random: Random): Pick<Mutant, 'how' | 'file'> {
  const choice = random()
  if (choice < 0.1) {
    const kept = random() < 0.9 ? seed.headerBytes : file.length
    return { how: 'cut off', file: file.subarray(0, below(random, kept)) }
  }
  const changes = 1 + below(random, MOST_CHANGES)
  if (choice < 0.25) {
    for (let change = 0; change < changes; change++) flip(file, seed.headerBytes, random)
    return { how: 'bits flipped', file }
  }
  if (choice < 0.35) {
    for (let change = 0; change < changes; change++) overwrite(file, seed.headerBytes, random)
    return { how: 'bytes overwritten', file }
  }
  const kind = pick(random, FIELD_KINDS)
  for (let change = 0; change < changes; change++) {
    setField(file, pick(random, seed.fields[kind]!), seed, random)
  }
  return { how: `${kind} changed`, file }
}

function flip(file: Buffer, headerBytes: number, random: Random): void {
  const at = below(random, headerBytes)
  file[at] = file[at]! ^ (1 << below(random, 8))
}

function overwrite(file: Buffer, headerBytes: number, random: Random): void {
  const length = 1 + below(random, 16)
  const at = below(random, headerBytes - length)
  if (random() < 0.3) file.copyWithin(at, below(random, headerBytes - length), at + length)
  else for (let byte = at; byte < at + length; byte++) file[byte] = below(random, 256)
}

function setField(file: Buffer, field: Field, seed: Seed, random: Random): void {
  const { kind, at, bytes } = field
  if (kind === 'text' || kind === 'magic') return setText(file, field, seed, random)
  if (kind === 'type') return setNumber(file, at, bytes, BigInt(below(random, 16)))
  if (kind === 'tensorType') return setNumber(file, at, bytes, BigInt(below(random, 48)))
  const old =
    bytes === 8 ? file.readBigUInt64LE(at) : BigInt(file.readUIntLE(at, Math.min(bytes, 4)))
  setNumber(file, at, bytes, hardNumber(random, old))
}

function setNumber(file: Buffer, at: number, bytes: number, value: bigint): void {
  for (let byte = 0; byte < bytes; byte++) {
    file[at + byte] = Number((value >> BigInt(8 * byte)) & 0xffn)
  }
}

/** Another text of the same length, as if it were there twice; or bytes that are no letters. */
function setText(file: Buffer, { at, bytes }: Field, seed: Seed, random: Random): void {
  const other = pick(random, seed.fields.text!)
  if (random() < 0.5 && other.bytes >= bytes) {
    file.copyWithin(at, other.at, other.at + bytes)
    return
  }
  const byte = pick(random, [0, 0, 1, 10, 27, 0x20, 0x5c, 0x7f, 0xc3, 0xff])
  file[at + below(random, bytes)] = byte
}
