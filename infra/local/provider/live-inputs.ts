import { sameQuantity } from './quantity.ts'
import { isObject, stringAt, withoutNulls, type Json, type JsonObject } from './property-value.ts'

/** Metadata that the server sets: never an input. */
const SERVER_METADATA = [
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generation',
  'managedFields',
  'resourceVersion',
  'selfLink',
  'uid',
]
/** Fields by which Kubernetes tells the items of a list apart. */
const ITEM_KEYS = ['name', 'containerPort', 'port', 'key', 'mountPath', 'ip', 'uid', 'type']

/** An object without what only the server writes: the inputs of an imported object. */
export function inputsOfLive(live: JsonObject): JsonObject {
  const rest = { ...live }
  delete rest['status']
  const metadata = isObject(rest['metadata']) ? rest['metadata'] : {}
  const kept = Object.entries(metadata).filter(([key]) => !SERVER_METADATA.includes(key))
  return withoutNulls({ ...rest, metadata: Object.fromEntries(kept) }) as JsonObject
}

/**
 * The inputs as they would have to be to describe the live object: drift in a field that we set
 * shows, fields that others or defaults added do not.
 */
export function inputsAsLive(inputs: JsonObject, live: JsonObject): JsonObject {
  const seen = { ...live }
  if (isObject(inputs['stringData']) && isObject(live['data'])) {
    const names = Object.keys(inputs['stringData'])
    seen['stringData'] = Object.fromEntries(
      names.flatMap((name) => {
        const encoded = stringAt(live, 'data', name)
        return encoded === undefined
          ? []
          : [[name, Buffer.from(encoded, 'base64').toString('utf8')]]
      }),
    )
  }
  return project(inputs, seen, false) as JsonObject
}

/** Below these keys stand quantities, which the server rewrites. */
const QUANTITY_KEYS = new Set(['capacity', 'hard', 'limits', 'requests', 'sizeLimit'])

function project(input: Json, live: Json, quantity: boolean): Json {
  if (isObject(input) && isObject(live)) {
    return Object.fromEntries(
      Object.entries(input).flatMap(([key, value]) => {
        const seen = live[key]
        if (seen !== undefined)
          return [[key, project(value, seen, quantity || QUANTITY_KEYS.has(key))]]
        return isOmittedWhenEmpty(value) ? [[key, value]] : []
      }),
    )
  }
  if (Array.isArray(input) && Array.isArray(live)) return projectList(input, live)
  if (input === live || (quantity && sameScalar(input, live))) return input
  return live
}

function projectList(input: Json[], live: Json[]): Json[] {
  const key = ITEM_KEYS.find((name) =>
    [...input, ...live].every((item) => isObject(item) && item[name] !== undefined),
  )
  if (key && new Set(live.map((item) => (item as JsonObject)[key])).size === live.length) {
    return input.flatMap((item) => {
      const same = live.find((seen) => (seen as JsonObject)[key] === (item as JsonObject)[key])
      return same === undefined ? [] : [project(item, same, false)]
    })
  }
  if (input.length !== live.length) return live
  return input.map((item, index) => project(item, live[index] ?? null, false))
}

/** The server leaves such values out of what it answers. */
function isOmittedWhenEmpty(value: Json): boolean {
  if (value === null || value === false || value === 0 || value === '') return true
  if (Array.isArray(value)) return value.length === 0
  return isObject(value) && Object.values(value).every(isOmittedWhenEmpty)
}

function sameScalar(input: Json, live: Json): boolean {
  if (typeof live !== 'string') return false
  if (typeof input === 'number') return sameQuantity(String(input), live)
  return typeof input === 'string' && sameQuantity(input, live)
}
