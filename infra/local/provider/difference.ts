import { isObject, isUnknown, type Json, type JsonObject, type Path } from './property-value.ts'

export interface Change {
  path: Path
  kind: 'add' | 'delete' | 'update'
}

/** Every leaf at which two values differ; lists are compared index by index. */
export function changesBetween(before: Json, after: Json, at: Path = []): Change[] {
  if (isUnknown(after) && before !== after) return [{ path: at, kind: 'update' }]
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return keys.flatMap((key) => changesOfMember(before[key], after[key], [...at, key]))
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length)
    return Array.from({ length }, (_, index) =>
      changesOfMember(before[index], after[index], [...at, index]),
    ).flat()
  }
  return before === after ? [] : [{ path: at, kind: 'update' }]
}

function changesOfMember(before: Json | undefined, after: Json | undefined, at: Path): Change[] {
  const absent = (value: Json | undefined) => value === undefined || value === null
  if (absent(before)) return absent(after) ? [] : [{ path: at, kind: 'add' }]
  if (absent(after)) return [{ path: at, kind: 'delete' }]
  return changesBetween(before, after, at)
}

/** `spec.template.spec.containers[0].image`, keys with dots in `["..."]`: the engine's notation. */
export function formatPropertyPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) return `${text}[${JSON.stringify(part)}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}

/** Server-side fields that change by themselves or with every write. */
const VOLATILE_METADATA = ['managedFields', 'resourceVersion', 'generation', 'selfLink']

/** Whether two live objects ask for the same thing. */
export function sameWish(before: JsonObject, after: JsonObject): boolean {
  return changesBetween(wishOf(before), wishOf(after)).length === 0
}

function wishOf(object: JsonObject): JsonObject {
  const rest = { ...object }
  delete rest['status']
  const metadata = isObject(rest['metadata']) ? rest['metadata'] : {}
  const kept = Object.entries(metadata).filter(([key]) => !VOLATILE_METADATA.includes(key))
  return { ...rest, metadata: Object.fromEntries(kept) }
}
