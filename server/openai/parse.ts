import type { z } from 'zod'

/** What is wrong with a request; the route makes an HTTP error of it. */
export interface RequestProblem {
  code: 'invalid_value' | 'missing_required_parameter' | 'unsupported_parameter'
  param: string
  expected: string
  got: unknown
  fix: string
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; problem: RequestProblem }

/** Reads a body by its schema; the first problem wins. Unknown fields are ignored, as OpenAI does. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): Parsed<T> {
  const result = schema.safeParse(body)
  if (result.success) return { ok: true, value: result.data }
  const issue = result.error.issues[0]
  const path = issue?.path ?? []
  const param = pathText(path)
  const got = valueAt(body, path)
  const missing = got === undefined && path.length > 0
  return {
    ok: false,
    problem: {
      code: missing ? 'missing_required_parameter' : 'invalid_value',
      param: param === '' ? 'body' : param,
      expected: expectedText(issue?.message ?? 'another value'),
      got,
      fix: missing ? `add the field "${param}"` : 'correct the value',
    },
  }
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')
}

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null
        ? (value as Record<PropertyKey, unknown>)[part]
        : undefined,
    body,
  )
}

/** zod's own words say what was expected after "expected"; ours are the expectation itself. */
function expectedText(message: string): string {
  return /expected (.+?)(, received .*)?$/.exec(message)?.[1] ?? message
}
