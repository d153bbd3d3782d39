import { changesBetween, type Change } from './difference.ts'
import { needsReplacement, type MutableKinds } from './immutable-fields.ts'
import type { ObjectType } from './object-type.ts'
import { stringAt, withoutNulls, type JsonObject } from './property-value.ts'

export interface Verdict {
  changes: (Change & { replace: boolean })[]
  deleteBeforeReplace: boolean
}

/**
 * What to do with an object whose inputs were `before` and shall be `after`. An object whose name
 * is fixed must be gone before its replacement can be made.
 */
export function judge(
  type: ObjectType,
  before: JsonObject,
  after: JsonObject,
  mutable: MutableKinds,
): Verdict {
  const frozen = before['immutable'] === true
  const rules = frozen ? { configMap: false, secret: false } : mutable
  const old = withoutNulls(before) as JsonObject
  const wanted = withoutNulls(after) as JsonObject
  const changes = changesBetween(old, wanted).map((change) => ({
    ...change,
    replace: needsReplacement(type, change.path, rules),
  }))
  const replaced = changes.some((change) => change.replace)
  return { changes, deleteBeforeReplace: replaced && sameIdentity(before, after) }
}

function sameIdentity(before: JsonObject, after: JsonObject): boolean {
  const same = (key: string) =>
    stringAt(before, 'metadata', key) === stringAt(after, 'metadata', key)
  return same('name') && same('namespace')
}
