/**
 * Values as the Pulumi engine sends them: plain JSON in which a secret is an object with a
 * signature key and a value not yet known in a preview is a sentinel string.
 */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }
/** Where a value stands: keys of maps and indices of lists. */
export type Path = readonly (string | number)[]

const SIGNATURE = '4dabf18193072939515e22adb298388d'
const SECRET = '1b47061264138c4ac30d75fd1eb44270'
const OUTPUT = 'd0e6a833031e9bbcd3f4e8bde6ca49a4'
export const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9'
/** The sentinels of the other types that the engine knows (bool, number, list, asset, archive, map). */
const UNKNOWNS = new Set([
  UNKNOWN,
  '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7',
  '3eeb2bf0-c639-47a8-9e75-3b44932eb421',
  '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2',
  '030794c1-ac77-496b-92df-f27374a8bd58',
  'e48ece36-62e2-4504-bad9-02848725956a',
  'dd056dcd-154b-4c76-9bd3-c8f88648b5ff',
])

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isUnknown = (value: unknown): boolean =>
  typeof value === 'string' && UNKNOWNS.has(value)

const isSecretBox = (value: Json): value is JsonObject =>
  isObject(value) && value[SIGNATURE] === SECRET
const isOutputBox = (value: Json): value is JsonObject =>
  isObject(value) && value[SIGNATURE] === OUTPUT

export function secret(value: Json): Json {
  return isSecretBox(value) ? value : { [SIGNATURE]: SECRET, value }
}

/** The value without its secret boxes, and where these were. */
export function unwrapSecrets(value: Json, at: Path = []): { plain: Json; secrets: Path[] } {
  if (isSecretBox(value)) {
    return { plain: unwrapSecrets(value['value'] ?? null).plain, secrets: [at] }
  }
  if (isOutputBox(value)) {
    const inner = unwrapSecrets(value['value'] ?? UNKNOWN, at)
    return value['secret'] === true ? { plain: inner.plain, secrets: [at] } : inner
  }
  if (Array.isArray(value)) {
    const items = value.map((item, index) => unwrapSecrets(item, [...at, index]))
    return {
      plain: items.map((item) => item.plain),
      secrets: items.flatMap((item) => item.secrets),
    }
  }
  if (isObject(value)) {
    const plain: JsonObject = {}
    const secrets: Path[] = []
    for (const [key, item] of Object.entries(value)) {
      const inner = unwrapSecrets(item, [...at, key])
      plain[key] = inner.plain
      secrets.push(...inner.secrets)
    }
    return { plain, secrets }
  }
  return { plain: value, secrets: [] }
}

/** Boxes the values at `paths`; a path that leads nowhere is left alone. */
export function markSecrets(value: JsonObject, paths: readonly Path[]): JsonObject {
  return paths.reduce<Json>((marked, path) => markAt(marked, path), value) as JsonObject
}

function markAt(value: Json, path: Path): Json {
  const [head, ...rest] = path
  if (head === undefined) return secret(value)
  if (isSecretBox(value)) return value
  if (Array.isArray(value) && typeof head === 'number' && head < value.length) {
    return value.map((item, index) => (index === head ? markAt(item, rest) : item))
  }
  if (isObject(value) && typeof head === 'string' && value[head] !== undefined) {
    return { ...(value as JsonObject), [head]: markAt(value[head] ?? null, rest) }
  }
  return value
}

export function hasUnknown(value: Json): boolean {
  if (isUnknown(value)) return true
  if (Array.isArray(value)) return value.some(hasUnknown)
  if (isObject(value)) return Object.values(value).some(hasUnknown)
  return false
}

/** Kubernetes takes null for "absent", and server-side apply would own the field: leave it out. */
export function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(withoutNulls)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null && item !== undefined)
      .map(([key, item]) => [key, withoutNulls(item)]),
  )
}

/** The value at a path of keys, or undefined. */
export function valueAt(value: Json | undefined, ...path: Path): Json | undefined {
  return path.reduce<Json | undefined>((inner, key) => {
    if (Array.isArray(inner) && typeof key === 'number') return inner[key]
    return isObject(inner) ? inner[key] : undefined
  }, value)
}

export const stringAt = (value: Json | undefined, ...path: Path): string | undefined => {
  const found = valueAt(value, ...path)
  return typeof found === 'string' ? found : undefined
}

export const numberAt = (value: Json | undefined, ...path: Path): number | undefined => {
  const found = valueAt(value, ...path)
  return typeof found === 'number' ? found : undefined
}

export const listAt = (value: Json | undefined, ...path: Path): Json[] => {
  const found = valueAt(value, ...path)
  return Array.isArray(found) ? found : []
}
