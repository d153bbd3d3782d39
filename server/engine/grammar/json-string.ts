import type { GrammarWriter } from './grammar-writer.ts'
import { anyCharacter } from './json-text.ts'
import { PatternError, patternGrammar } from './pattern.ts'
import { SchemaError, pointerTo } from './schema-error.ts'
import { countOf } from './schema-keywords.ts'
import type { SchemaObject } from './schema-keywords.ts'

const LONGEST = 1_000_000

const LEAP_YEAR = '(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)'
const DATE =
  '(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))' +
  `|${LEAP_YEAR}-02-29)`
const TIME = '([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)'
const HOST = '([A-Za-z0-9]([A-Za-z0-9-]{0,40}[A-Za-z0-9])?\\.)+[A-Za-z]{2,20}'
const BYTE = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const DAYS = '((\\d{1,4}Y)?(\\d{1,4}M)?\\d{1,4}D|(\\d{1,4}Y)?\\d{1,4}M|\\d{1,4}Y)'
const HOURS = 'T((\\d{1,4}H)?(\\d{1,4}M)?\\d{1,4}S|(\\d{1,4}H)?\\d{1,4}M|\\d{1,4}H)'

/**
 * Formats that are kept, as patterns: nothing that they match breaks the format, and not all that keeps
 * it matches. Others say nothing of what is valid, as the standard lets them.
 */
const FORMATS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  'date-time': `${DATE}T${TIME}`,
  duration: `P(\\d{1,4}W|${DAYS}(${HOURS})?|${HOURS})`,
  uuid: '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}',
  email: `[A-Za-z0-9_+-]{1,40}(\\.[A-Za-z0-9_+-]{1,40})*@${HOST}`,
  hostname: HOST,
  ipv4: `(${BYTE}\\.){3}${BYTE}`,
  ipv6: '([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}',
  uri: `https?://${HOST}(:\\d{2,4})?(/[A-Za-z0-9._~/-]*)?`,
}

/** A text in quotes, as a grammar. Throws SchemaError. */
export function stringGrammar(
  writer: GrammarWriter,
  schema: SchemaObject,
  pointer: string,
): string {
  const least = countOf(schema, 'minLength', pointer) ?? 0
  const most = countOf(schema, 'maxLength', pointer)
  const pattern = patternOf(schema, pointer)
  if (pattern === undefined) {
    if (least > LONGEST || (most !== undefined && most < least)) {
      throw new SchemaError(pointer, `no text of ${least} to ${most ?? LONGEST} characters`)
    }
    const end = most === undefined ? undefined : Math.min(most, LONGEST)
    return quoted(writer.repeated(anyCharacter(writer), least, end))
  }
  if (least > 0 || most !== undefined) {
    const detail = `"${pattern.keyword}" together with a length is not supported`
    throw new SchemaError(pointerTo(pointer, pattern.keyword), detail)
  }
  try {
    return quoted(patternGrammar(writer, pattern.text))
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    const detail = `a pattern without ${error.message}`
    throw new SchemaError(pointerTo(pointer, pattern.keyword), detail)
  }
}

const quoted = (text: string) => `"\\"" ${text} "\\""`

function patternOf(schema: SchemaObject, pointer: string) {
  const { pattern, format } = schema
  const known =
    typeof format === 'string' && Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
  if (pattern === undefined) {
    return known === undefined ? undefined : { keyword: 'format', text: `^(${known})$` }
  }
  const where = pointerTo(pointer, 'pattern')
  if (typeof pattern !== 'string') throw new SchemaError(where, 'a text')
  if (known !== undefined) {
    throw new SchemaError(where, '"pattern" together with "format" is not supported')
  }
  return { keyword: 'pattern', text: pattern }
}
