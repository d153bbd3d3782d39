import { isObject, type JsonObject } from './property-value.ts'

/**
 * The object as it is applied. `stringData` is only a way to write `data`, and the server would not
 * know whose keys they are: a key that the program drops would stay for ever.
 */
export function asApplied(object: JsonObject): JsonObject {
  const { stringData, ...rest } = object
  const isSecret = object['apiVersion'] === 'v1' && object['kind'] === 'Secret'
  if (!isSecret || !isObject(stringData)) return object
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64'),
  ])
  const data = isObject(object['data']) ? object['data'] : {}
  return { ...rest, data: { ...data, ...Object.fromEntries(encoded) } }
}
