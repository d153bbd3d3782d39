import type { RequestProblem } from './parse.ts'

type Rule = readonly [harmless: (value: unknown) => boolean, expected: string]

const absent = (value: unknown) => value === undefined || value === null
const isEmpty = (value: unknown) =>
  absent(value) || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
const is =
  (...values: unknown[]) =>
  (value: unknown) =>
    absent(value) || values.includes(value)

const nothing: Rule = [absent, 'nothing: it is not supported']
const emptyOnly: Rule = [isEmpty, 'nothing or an empty value: it is not supported']

/**
 * Parameters that OpenAI or the other open servers know and this service does not, with the values that
 * change nothing. Ignoring the others silently would give an answer that was not asked for.
 */
const RULES: Readonly<Record<string, Rule>> = {
  best_of: [is(1), '1: every answer is returned'],
  suffix: [is(''), 'nothing: it is not supported'],
  functions: emptyOnly,
  function_call: [is('none', 'auto'), 'nothing: use "tools" and "tool_choice"'],
  audio: nothing,
  prediction: nothing,
  web_search_options: nothing,
  store: [is(false), 'false: nothing is stored here'],
  verbosity: [is('medium'), 'nothing: it is not supported'],
  modalities: [
    (value) => absent(value) || JSON.stringify(value) === '["text"]',
    '["text"]: text is the only modality',
  ],
  grammar: [
    is(''),
    'nothing: raw grammars are not taken; use "response_format" with a JSON schema',
  ],
  guided_json: [absent, 'nothing: use "response_format" with a JSON schema'],
  guided_regex: [absent, 'nothing: use "response_format" with a "pattern" in a JSON schema'],
  guided_choice: [absent, 'nothing: use "response_format" with an "enum" in a JSON schema'],
  guided_grammar: [absent, 'nothing: use "response_format" with a JSON schema'],
  structured_outputs: [absent, 'nothing: use "response_format" with a JSON schema'],
}

export function findUnsupported(body: unknown): RequestProblem | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  for (const [param, value] of Object.entries(body)) {
    const rule = Object.hasOwn(RULES, param) ? RULES[param] : undefined
    if (rule === undefined || rule[0](value)) continue
    const fix = `leave the field "${param}" out`
    return { code: 'unsupported_parameter', param, expected: rule[1], got: value, fix }
  }
  const options = (body as { stream_options?: unknown; stream?: unknown }).stream_options
  if (!absent(options) && (body as { stream?: unknown }).stream !== true) {
    const expected = 'nothing, because "stream" is not true'
    const fix = 'leave it out or set "stream" to true'
    return { code: 'invalid_value', param: 'stream_options', expected, got: options, fix }
  }
  return undefined
}
