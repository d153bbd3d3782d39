import {
  isObject,
  listAt,
  markSecrets,
  secret,
  stringAt,
  UNKNOWN,
  valueAt,
  type Json,
  type JsonObject,
  type Path,
} from './property-value.ts'

/** Shorter texts are in too many places to tell that they are the secret. */
const SHORTEST_SECRET = 4
export const FIELD_MANAGER = '__fieldManager'

/** What the state keeps of a live object, with everything secret marked so. */
export function outputsOf(
  live: JsonObject,
  inputs: JsonObject,
  secrets: readonly Path[],
  fieldManager: string,
): JsonObject {
  const metadata = isObject(live['metadata']) ? { ...live['metadata'] } : {}
  delete metadata['managedFields']
  const outputs: JsonObject = {
    ...live,
    metadata,
    [FIELD_MANAGER]: fieldManager,
    __initialApiVersion: live['apiVersion'] ?? '',
  }
  return markAllSecrets(outputs, inputs, secrets)
}

/**
 * Marks what the inputs mark, the data of every Secret, and every text in which a secret text
 * stands: the server may have moved a value to another place.
 */
export function markAllSecrets(
  object: JsonObject,
  inputs: JsonObject,
  secrets: readonly Path[],
): JsonObject {
  const texts = secretTexts(inputs, secrets)
  const marked = markTexts(object, texts) as JsonObject
  const whole: Path[] =
    isSecretKind(object) || isSecretKind(inputs) ? [['data'], ['stringData']] : []
  return markSecrets(unmarkTop(marked, whole, object), [...whole, ...secrets])
}

const isSecretKind = (object: JsonObject): boolean =>
  object['kind'] === 'Secret' && object['apiVersion'] === 'v1'

/** A field that is marked whole is marked once, not also inside. */
function unmarkTop(marked: JsonObject, whole: readonly Path[], object: JsonObject): JsonObject {
  const plain = whole.flatMap(([key]) => {
    const value = typeof key === 'string' ? object[key] : undefined
    return value === undefined ? [] : [[String(key), value] as const]
  })
  return { ...marked, ...Object.fromEntries(plain) }
}

/** The texts that must not be seen. */
export function secretTexts(inputs: JsonObject, secrets: readonly Path[]): string[] {
  const whole: Path[] = isSecretKind(inputs) ? [['data'], ['stringData']] : []
  const found = [...whole, ...secrets].flatMap((path) => textsIn(valueAt(inputs, ...path)))
  return [...new Set(found)].filter((text) => text.length >= SHORTEST_SECRET)
}

function textsIn(value: Json | undefined): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(textsIn)
  return isObject(value) ? Object.values(value).flatMap(textsIn) : []
}

/** Boxes every text that holds one of `texts`. */
export function markTexts(value: Json, texts: readonly string[]): Json {
  if (texts.length === 0) return value
  if (typeof value === 'string') {
    return texts.some((text) => value.includes(text)) ? secret(value) : value
  }
  if (Array.isArray(value)) return value.map((item) => markTexts(item, texts))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, markTexts(item, texts)]),
  )
}

export const redact = (message: string, texts: readonly string[]): string =>
  texts.reduce((text, hidden) => text.replaceAll(hidden, '[secret]'), message)

/** In a preview of a creation, what only the real creation decides is unknown. */
export function asPreviewed(object: JsonObject): JsonObject {
  const metadata = isObject(object['metadata']) ? { ...object['metadata'] } : {}
  for (const key of ['uid', 'resourceVersion', 'creationTimestamp', 'generation']) {
    metadata[key] = UNKNOWN
  }
  delete metadata['managedFields']
  const previewed: JsonObject = { ...object, metadata, status: UNKNOWN }
  const spec = object['spec']
  if (object['kind'] === 'Service' && isObject(spec) && stringAt(spec, 'clusterIP') !== 'None') {
    const given = listAt(spec, 'clusterIPs').length > 0 || spec['clusterIP'] !== undefined
    previewed['spec'] = given
      ? { ...spec, clusterIP: UNKNOWN, clusterIPs: UNKNOWN }
      : { ...spec, clusterIP: UNKNOWN }
  }
  return previewed
}
