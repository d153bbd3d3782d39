import { isGiven } from './given.ts'
import type { RequestProblem } from './parse.ts'

/** What OpenAI's service does and this one does not: it keeps nothing of a conversation. */
const REFUSED: Readonly<Record<string, readonly [harmless: readonly unknown[], expected: string]>> =
  {
    previous_response_id: [
      [],
      'nothing: answers are not stored; send the whole conversation as "input"',
    ],
    conversation: [[], 'nothing: conversations are not stored; send the whole one as "input"'],
    store: [[false], 'false: nothing is stored here'],
    background: [[false], 'false: an answer is sent to who asked for it'],
    prompt: [[], 'nothing: prompt templates are not stored'],
    truncation: [['disabled'], '"disabled": a prompt is never cut'],
    max_tool_calls: [[], 'nothing: tools are called by the client'],
    top_logprobs: [[0], 'nothing: it is not supported on this route'],
  }

/** What a body for /v1/responses asks of a memory that is not there, whatever else is wrong with it. */
export function findUnsupported(body: unknown): RequestProblem | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const fields = body as Record<string, unknown>
  for (const [param, [harmless, expected]] of Object.entries(REFUSED)) {
    const got = fields[param]
    if (!isGiven(got) || harmless.includes(got)) continue
    const fix = `leave the field "${param}" out`
    return { code: 'unsupported_parameter', param, expected, got, fix }
  }
  return findReference(fields['input'])
}

/** An item that stands for a stored one, as the AI SDK sends earlier answers unless it is told not to. */
function findReference(input: unknown): RequestProblem | undefined {
  if (!Array.isArray(input)) return undefined
  const items = input as readonly ({ type?: unknown } | null)[]
  const at = items.findIndex((item) => item?.type === 'item_reference')
  if (at < 0) return undefined
  return {
    ...{ code: 'unsupported_parameter', param: `input[${at}].type` },
    ...{ expected: 'an item itself, because answers are not stored', got: 'item_reference' },
    fix: 'send earlier items whole; clients that refer to them do so with "store": false',
  }
}
