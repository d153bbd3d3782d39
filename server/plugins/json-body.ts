import { isUtf8 } from 'node:buffer'
import { HttpError } from '../errors.ts'
import { doubtOf } from './json-doubts.ts'

const EXPECTED = 'a JSON object'
const FIX = 'send valid JSON'

/** The JSON value of a body that arrived as bytes: one that every reader reads as this one does. */
export function parseJson(body: unknown): unknown {
  const bytes = body as Buffer | undefined
  if (bytes === undefined || bytes.length === 0) throw invalid(EXPECTED, 'an empty body', FIX)
  if (!isUtf8(bytes)) throw invalid('text in UTF-8', 'bytes that are none', 'encode it as UTF-8')
  const text = bytes.toString('utf8')
  const value = valueOf(text)
  const doubt = doubtOf(text, value)
  if (doubt !== undefined) throw invalid(doubt.expected, doubt.got, doubt.fix)
  return value
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid(EXPECTED, 'text that is not JSON', FIX)
  }
}

const invalid = (expected: string, got: string, fix: string) =>
  new HttpError('invalid_json', { param: 'body', expected, got, fix })
