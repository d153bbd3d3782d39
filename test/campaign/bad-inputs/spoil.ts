/** A body of JSON, spoilt at a place of its structure. Pure, but for the numbers that it draws. */

export type Random = () => number

export const below = (random: Random, end: number): number => Math.floor(random() * end)

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[below(random, items.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

/** By name: how often a kind comes, and how one is made. */
export type Kinds<Make> = Readonly<Record<string, readonly [share: number, make: Make]>>

export function drawKind<Make>(random: Random, kinds: Kinds<Make>): [name: string, make: Make] {
  const all = Object.entries(kinds)
  let left = random() * all.reduce((sum, [, [share]]) => sum + share, 0)
  const drawn = all.find(([, [share]]) => (left -= share) < 0)
  if (drawn === undefined) throw new Error('no kind is left')
  return [drawn[0], drawn[1][1]]
}

type Path = readonly (string | number)[]

interface Place {
  path: Path
  value: unknown
}

/** A value and all that is in it. */
function placesIn(value: unknown, path: Path = []): Place[] {
  const inner =
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, each]) => placesIn(each, [...path, key]))
      : []
  return [{ path, value }, ...inner]
}

const STAND_IN = '\u0001here\u0001'

/** JSON of `body` with other text in place of what is at `path`. */
function withText(body: unknown, path: Path, text: string): string {
  const put = (value: unknown, [key, ...rest]: Path): unknown => {
    if (key === undefined) return STAND_IN
    if (Array.isArray(value)) {
      return value.map((each: unknown, at) => (String(at) === key ? put(each, rest) : each))
    }
    const fields = value as Record<string, unknown>
    return { ...fields, [key]: put(fields[key], rest) }
  }
  return JSON.stringify(put(body, path)).replace(JSON.stringify(STAND_IN), () => text)
}

/** Puts another text in place of one of those places of `body` that `fits`. */
export function respell(
  random: Random,
  body: object,
  fits: (value: unknown) => boolean,
  spell: (value: unknown) => string,
): string {
  const places = placesIn(body).filter(({ value }) => fits(value))
  const { path, value } = pick(random, places)
  return withText(body, path, spell(value))
}

export const isFilledObject = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).length > 0

export const isText = (value: unknown): boolean => typeof value === 'string'

/** JSON of an object with one more field, which its keys do not keep apart. */
export function withField(value: unknown, key: string, text: string): string {
  return `${JSON.stringify(value).slice(0, -1)},${key}:${text}}`
}

/** A key of an object as JSON writes it, or with an escape that says the same. */
export function keyText(random: Random, value: unknown): string {
  const key = pick(random, Object.keys(value as object))
  const [first = ''] = key
  if (first === '' || random() < 0.5) return JSON.stringify(key)
  const escape = `\\u${first.charCodeAt(0).toString(16).padStart(4, '0')}`
  return `"${escape}${JSON.stringify(key.slice(1)).slice(1)}`
}

const SCRAPS: readonly unknown[] = [null, true, 0, -1, 1.5, 1e300, 2 ** 53, '', 'a', '\u0000', '../..', [], {},
  [[]], [null], { a: {} }, '${7*7}', '{{7*7}}', 'x'.repeat(3000), Array.from({ length: 1000 }, () => 1)] // prettier-ignore

/** Any value in place of any other. */
export const graft = (random: Random, body: object): string =>
  respell(
    random,
    body,
    (value) => value !== body,
    () => JSON.stringify(pick(random, SCRAPS)),
  )

/** Some bytes are others. */
export function flip(random: Random, text: string): Buffer {
  const bytes = Buffer.from(text)
  for (let count = 1 + below(random, 4); count > 0; count--) {
    bytes[below(random, bytes.length)] = below(random, 256)
  }
  return bytes
}

/** Bytes that no text in UTF-8 has, somewhere in it. */
export function breakUtf8(random: Random, text: string): Buffer {
  const bytes = Buffer.from(text)
  const at = below(random, bytes.length + 1)
  const wrong = Buffer.from([pick(random, [0xff, 0xfe, 0xc0, 0xc1, 0xf5])])
  return Buffer.concat([bytes.subarray(0, at), wrong, bytes.subarray(at)])
}
