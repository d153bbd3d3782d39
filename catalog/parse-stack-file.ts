import type { z } from 'zod'
import { KitError, type Problem } from './errors.ts'
import { StackFileSchema, type StackFile } from './stack-file.ts'

/** What to do about a wrong value, by the end of its path (array indices left out). */
const FIXES: readonly (readonly [RegExp, string])[] = [
  [
    /expose\.(host|tlsSecret)$/,
    'beyond the cluster only TLS is served: name the host and the Secret of type kubernetes.io/tls',
  ],
  [
    /cluster\.context$/,
    'name the kubeconfig context to deploy to, see `kubectl config get-contexts`',
  ],
  [/jurisdiction(\.country)?$/, 'set jurisdiction: { country: MY, regions: [...] }'],
  [/keys\.sha256$/, 'store the key\'s hash: printf %s "$KEY" | sha256sum'],
  [/image$/, 'run `serantau image push` and copy the digest that it prints'],
  [/models$/, 'list at least one model: [{ id: smollm2-135m-instruct }]'],
]

/** Reads the keys of namespace `serantau`, or throws STACK_FILE_INVALID naming every wrong path. */
export function parseStackFile(raw: unknown): StackFile {
  const result = StackFileSchema.safeParse(raw)
  if (result.success) return result.data
  throw new KitError(
    'STACK_FILE_INVALID',
    result.error.issues.flatMap((issue) => problemsOf(issue, raw)),
  )
}

function problemsOf(issue: z.core.$ZodIssue, raw: unknown): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key]
      return {
        path: formatPath(path),
        expected: 'no such key',
        got: describe(path, valueAt(raw, path)),
        fix: 'remove it or correct its spelling; docs/reference/stack-file.md lists the keys',
      }
    })
  }
  const path = formatPath(issue.path)
  const value = valueAt(raw, issue.path)
  return [
    {
      path,
      expected: expectedBy(issue),
      got: describe(issue.path, value),
      fix: fixFor(issue.path, value),
    },
  ]
}

/** A key typed where its hash belongs must not reach a log: only its length is told. */
function describe(path: readonly PropertyKey[], value: unknown): string {
  if (value === undefined) return 'nothing'
  if (path[0] === 'keys' && typeof value === 'string')
    return `a string of ${value.length} characters`
  return JSON.stringify(value)
}

function fixFor(path: readonly PropertyKey[], value: unknown): string {
  const names = path.filter((part) => typeof part === 'string').join('.')
  const known = FIXES.find(([pattern]) => pattern.test(names))
  if (known) return known[1]
  return value === undefined ? 'add it to the stack file' : 'correct the value in the stack file'
}

function expectedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected
    case 'invalid_value':
      return `one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
    case 'too_small':
      return `${issue.origin} >= ${String(issue.minimum)}`
    case 'too_big':
      return `${issue.origin} <= ${String(issue.maximum)}`
    case 'invalid_union': {
      const options = (issue as { options?: unknown[] }).options
      if (options) return `one of ${options.map((option) => JSON.stringify(option)).join(', ')}`
      return issue.errors.map((issues) => issues.map(expectedBy).join(' and ')).join(' or ')
    }
    default:
      return issue.message
  }
}

/** `serantau:models[0].replicas` */
export function formatPath(path: readonly PropertyKey[]): string {
  const text = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
  return `serantau:${text.replace(/^\./, '')}`
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      value === null || typeof value !== 'object'
        ? undefined
        : (value as Record<PropertyKey, unknown>)[part],
    raw,
  )
}
