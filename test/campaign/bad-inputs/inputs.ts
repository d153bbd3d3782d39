import type { HttpErrorCode } from '../../../server/errors.ts'
import { headers, MODEL } from '../../helpers/roles.ts'
import { SEEDS } from './seeds/index.ts'
import type { Seed } from './seed.ts'
import {
  type Kinds,
  type Random,
  below,
  breakUtf8,
  drawKind,
  flip,
  graft,
  isFilledObject,
  isText,
  keyText,
  pick,
  respell,
  withField,
} from './spoil.ts'

export interface Input {
  method: string
  path: string
  headers: Record<string, string>
  body: Buffer | string | null
  /** What it must be refused with. `refused`: with any code; `unknown`: it may be right after all. */
  must: HttpErrorCode | 'refused' | 'unknown'
}

/** Of the service that is asked. */
export const MOST_BODY_BYTES = 65_536

type Make = (random: Random, seed: Seed, body: Seed['bodies'][number]) => Partial<Input>

const CONTENT_TYPES = ['text/json', 'text/plain', 'application/jsonx', 'application/json;', 'application/json\tx',
  'application/json ;charset=utf-8', 'application/json; charset=utf-16', 'application/json;a=b', 'multipart/form-data',
  'application/json, text/plain', 'application/x-www-form-urlencoded', 'application/vnd.api+json', 'a', '/', '\u00ff'] // prettier-ignore
const KEYS = ['', 'Bearer', 'Bearer ', 'bearer a b', 'Basic dXNlcjpwYXNz', 'Token x', 'Bearer \u00e9', 'x'.repeat(600)] // prettier-ignore
const PARTS = ['..', '.', '%2e%2e', '%2f', '%5c', '%00', '%0d%0a', '%', '%zz', '%e0%a4', 'v1', 'models', 'chat', 'etc',
  'passwd', 'con', '~', '*', ':id', '?a=b', '#', ';', '${x}', 'health', 'live', 'A'.repeat(500)] // prettier-ignore
const NAMES = ['../../etc/passwd', '..\\..\\boot.ini', '/dev/zero', 'C:\\x', `${MODEL}\u0000`, `${MODEL} `, `.${MODEL}`,
  '__proto__', 'constructor', 'toString', 'http://a/b', 'file:///etc/passwd', '%2e%2e', 'a\r\nb', '\u001b[31m', '🙂', 'x'.repeat(3000)] // prettier-ignore
const METHODS = ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'GET', 'POST'] as const

const json = (value: unknown) => JSON.stringify(value)

/** How often each kind of input comes, and how one is made of a right one. */
const KINDS: Kinds<Make> = {
  'cut off': [12, (random, _seed, body) => {
    const text = json(body)
    return { body: text.slice(0, below(random, text.length)), must: 'invalid_json' }
  }],
  'bytes that are no UTF-8': [8, (random, _seed, body) => ({ body: breakUtf8(random, json(body)), must: 'invalid_json' })],
  'a key twice': [8, (random, _seed, body) => ({
    body: respell(random, body, isFilledObject, (value) => withField(value, keyText(random, value), json(null))),
    must: 'invalid_json',
  })],
  '__proto__': [5, (random, _seed, body) => ({
    body: respell(random, body, isFilledObject, (value) => withField(value, '"__proto__"', '{"stream":true}')),
    must: 'invalid_json',
  })],
  'half of a surrogate pair': [6, (random, _seed, body) => ({
    body: respell(random, body, isText, (value) => `${json(value).slice(0, -1)}\\ud83d"`),
    must: 'invalid_json',
  })],
  'deep nesting': [3, (random, _seed, body) => {
    const depth = 128 + below(random, 3000)
    return { body: withField(body, '"deep"', '['.repeat(depth) + ']'.repeat(depth)), must: 'invalid_json' }
  }],
  'a wrong value': [20, (random, seed, body) => {
    const field = pick(random, Object.keys(seed.refused))
    return { body: json({ ...body, [field]: pick(random, seed.refused[field] ?? []) }), must: 'refused' }
  }],
  'a missing field': [4, (random, seed, body) => ({
    body: json({ ...body, [pick(random, seed.required)]: undefined }),
    must: 'missing_required_parameter',
  })],
  'an unknown model': [6, (random, _seed, body) => ({ body: json({ ...body, model: pick(random, NAMES) }), must: 'model_not_found' })],
  'another value anywhere': [8, (random, _seed, body) => ({ body: graft(random, body), must: 'unknown' })],
  'other bytes anywhere': [8, (random, _seed, body) => ({ body: flip(random, json(body)), must: 'unknown' })],
  'no JSON object': [2, (random) => ({ body: pick(random, ['null', '7', '"a"', '[]', 'true', '[[{}]]']), must: 'invalid_value' })],
  'another content type': [4, (random) => ({
    headers: { ...headers(), 'content-type': pick(random, CONTENT_TYPES) },
    must: 'unsupported_media_type',
  })],
  'a compressed body': [1, (random) => ({
    headers: { ...headers(), 'content-encoding': pick(random, ['gzip', 'br', 'deflate', 'identity, gzip', 'x']) },
    must: 'unsupported_media_type',
  })],
  'a wrong key': [2, (random) => ({ headers: { ...headers(), authorization: pick(random, KEYS) }, must: 'missing_api_key' })],
  'an unknown key': [2, (random) => ({ headers: headers(`sk-${random()}`), must: 'invalid_api_key' })],
  'an unknown path': [4, (random) => ({
    method: pick(random, METHODS),
    path: `/${Array.from({ length: 1 + below(random, 5) }, () => pick(random, PARTS)).join('/')}`,
    body: null,
    must: 'unknown',
  })],
  'headers that are too large': [0.2, () => ({ headers: { ...headers(), 'x-a': 'a'.repeat(17_000) }, must: 'headers_too_large' })],
  'a body that is too large': [0.2, (_random, _seed, body) => ({
    body: json({ ...body, metadata: { a: 'x'.repeat(MOST_BODY_BYTES) } }),
    must: 'request_too_large',
  })],
} // prettier-ignore

export function inputOf(random: Random): Input & { kind: string } {
  const [kind, make] = drawKind(random, KINDS)
  const seed = pick(random, SEEDS)
  const body = pick(random, seed.bodies)
  const right = { method: 'POST', path: seed.path, headers: headers(), body: json(body) }
  return { ...right, must: 'refused', ...make(random, seed, body), kind }
}
