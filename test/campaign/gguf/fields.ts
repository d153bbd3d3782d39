import { TYPES } from '../../helpers/small-gguf.ts'
import type { GgufParts, Pair } from '../../helpers/small-gguf.ts'

/** What a few bytes of a header mean. */
export const FIELD_KINDS = [
  ...(['magic', 'count', 'length', 'type', 'number', 'text', 'element'] as const),
  ...(['dimensions', 'extent', 'tensorType', 'offset'] as const),
] as const
export type FieldKind = (typeof FIELD_KINDS)[number]

export interface Field {
  kind: FieldKind
  /** Where in the file. */
  at: number
  bytes: number
}

const SCALAR_BYTES: Readonly<Record<number, number>> = {
  ...{ [TYPES.u8]: 1, [TYPES.i8]: 1, [TYPES.u16]: 2, [TYPES.i16]: 2, [TYPES.u32]: 4 },
  ...{ [TYPES.i32]: 4, [TYPES.f32]: 4, [TYPES.bool]: 1, [TYPES.u64]: 8, [TYPES.i64]: 8 },
  [TYPES.f64]: 8,
}

/** Every field of the header that `ggufOf` makes of `parts`. */
export function fieldsOf(parts: GgufParts): Field[] {
  const walk = new Walk()
  walk.take('magic', 4)
  walk.take('number', 4)
  walk.take('count', 8)
  walk.take('count', 8)
  for (const pair of parts.pairs) {
    walk.text(Buffer.byteLength(pair.key))
    walk.take('type', 4)
    walkValue(walk, pair)
  }
  for (const { name, shape } of parts.tensors) {
    walk.text(Buffer.byteLength(name))
    walk.take('dimensions', 4)
    for (const _ of shape) walk.take('extent', 8)
    walk.take('tensorType', 4)
    walk.take('offset', 8)
  }
  return walk.fields
}

class Walk {
  readonly fields: Field[] = []
  #at = 0

  take(kind: FieldKind, bytes: number): void {
    if (bytes > 0) this.fields.push({ kind, at: this.#at, bytes })
    this.#at += bytes
  }

  text(bytes: number): void {
    this.take('length', 8)
    this.take('text', bytes)
  }
}

function walkValue(walk: Walk, { type, value }: Pair): void {
  if (type === TYPES.string) return walk.text(value.length - 8)
  if (type !== TYPES.array) return walk.take('number', value.length)
  const elements = value.readUInt32LE(0)
  walk.take('type', 4)
  walk.take('length', 8)
  for (let at = 12; at < value.length;) {
    const bytes = SCALAR_BYTES[elements] ?? Number(value.readBigUInt64LE(at))
    if (elements === TYPES.string) {
      walk.text(bytes)
      at += 8 + bytes
    } else {
      walk.take('element', bytes)
      at += bytes
    }
  }
}
