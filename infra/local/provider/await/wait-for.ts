import { JSONPath } from 'jsonpath-plus'
import type { JsonObject } from '../property-value.ts'
import { conditionOf, READY, waiting, type Readiness } from './readiness.ts'

/**
 * The annotation `pulumi.com/waitFor`: `condition=Type[=Value]`, `jsonpath={.path}[=value]`, or a
 * JSON list of such expressions of which all must hold. Throws on anything else.
 */
export function judgeWaitFor(expression: string, object: JsonObject): Readiness {
  const unmet = expressionsOf(expression).filter((one) => !holds(one, object))
  if (unmet.length === 0) return READY
  return waiting(
    `waiting for ${unmet.join(', ')}`,
    unmet.map((one) => `pulumi.com/waitFor: ${one} does not hold`),
  )
}

function expressionsOf(expression: string): string[] {
  if (!expression.trimStart().startsWith('[')) return [expression]
  const list = JSON.parse(expression) as unknown
  if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list
  throw new Error(`pulumi.com/waitFor: expected a JSON list of texts, got ${expression}`)
}

function holds(expression: string, object: JsonObject): boolean {
  const condition = /^condition=([^=]+)(?:=(.*))?$/.exec(expression)
  if (condition) {
    const wanted = (condition[2] ?? 'True').toLowerCase()
    const status = conditionOf(object, condition[1] ?? '')?.['status']
    return typeof status === 'string' && status.toLowerCase() === wanted
  }
  const path = /^jsonpath=\{?(\$?\.?[^{}]+?)\}?(?:={1,2}([^=\]]*))?$/.exec(expression)
  if (!path) {
    throw new Error(
      `pulumi.com/waitFor: expected condition=TYPE or jsonpath={.PATH}=VALUE, got ${expression}`,
    )
  }
  const found = JSONPath<unknown[]>({
    path: `$${(path[1] ?? '').replace(/^\$/, '').replace(/^(?![.[])/, '.')}`,
    json: object,
    eval: 'safe',
  })
  if (path[2] === undefined) return found.length > 0
  return found.some((value) => String(value) === path[2])
}
