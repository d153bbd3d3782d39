/** OpenAI's newer way to ask: items in, items out. It is read as a chat. */
import { z } from 'zod'
import type { ChatRequest } from './chat-request.ts'
import type { Message } from './chat-messages.ts'
import { numberFrom, wholeFrom } from './numbers.ts'
import { parseBody } from './parse.ts'
import type { Parsed, RequestProblem } from './parse.ts'
import { jsonSchemaField } from './json-schema-caps.ts'
import { MOST_TOKENS, samplingFields, samplingOf } from './sampling.ts'
import { findUnsupported } from './responses-refusals.ts'
import { functionFields, toolOf } from './tools.ts'
import { isGiven } from './given.ts'

const partRule = 'a part {"type":"input_text","text":"..."}: this model reads text alone'
const PartSchema = z.union(
  [
    z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() }),
    z.object({ type: z.literal('refusal'), refusal: z.string() }),
  ],
  partRule,
)
const contentRule = 'a string, or a list of parts {"type":"input_text","text":"..."}'
const ContentSchema = z.union([z.string(), z.array(PartSchema)], contentRule)
const callId = z.string('a string').min(1, 'the id of the call').max(256, 'a shorter id')

const MessageItemSchema = z.object({
  type: z.literal('message').nullish(),
  role: z.enum(['user', 'system', 'developer', 'assistant'], 'a role'),
  content: ContentSchema,
})
const CallItemSchema = z.object({
  type: z.literal('function_call'),
  call_id: callId,
  name: z.string('a string').min(1, 'a name').max(64, 'a shorter name'),
  arguments: z.string('JSON as a string'),
})
const CallOutputItemSchema = z.object({
  type: z.literal('function_call_output'),
  call_id: callId,
  output: ContentSchema,
})
const ReasoningItemSchema = z.object({
  type: z.literal('reasoning'),
  content: z.array(z.object({ type: z.literal('reasoning_text'), text: z.string() })).nullish(),
})
const itemRule =
  'a message, or an item of type "function_call", "function_call_output" or "reasoning"'
const ItemSchema = z.union(
  [MessageItemSchema, CallItemSchema, CallOutputItemSchema, ReasoningItemSchema],
  itemRule,
)
type Item = z.infer<typeof ItemSchema>

const toolRule = '{"type":"function","name",...}: no other kind of tool is supported'
const ToolSchema = z.object({ type: z.literal('function', toolRule), ...functionFields }, toolRule)
const choiceRule = '"none", "auto", "required", or {"type":"function","name":"..."}'
const formatRule =
  '{"type":"text"}, {"type":"json_object"} or {"type":"json_schema","name","schema"}'

export const ResponsesBodySchema = z.object(
  {
    model: z.string('the id of a model').min(1, 'the id of a model'),
    input: z.union(
      [z.string().min(1), z.array(ItemSchema).min(1)],
      'a non-empty string, or a list of items',
    ),
    instructions: z.string('a string').nullish(),
    stream: z.boolean('true or false').nullish(),
    max_output_tokens: wholeFrom(1, MOST_TOKENS).nullish(),
    temperature: numberFrom(0, 2).nullish(),
    top_p: numberFrom(0, 1).nullish(),
    /** OpenAI knows none on this route. */
    seed: samplingFields.seed,
    tools: z.array(ToolSchema, 'a list of tools').max(128, 'at most 128 tools').nullish(),
    tool_choice: z
      .union(
        [
          z.enum(['none', 'auto', 'required']),
          z.object({ type: z.literal('function'), name: z.string() }),
        ],
        choiceRule,
      )
      .nullish(),
    parallel_tool_calls: z.boolean('true or false').nullish(),
    text: z
      .object(
        {
          format: z
            .discriminatedUnion(
              'type',
              [
                z.object({ type: z.literal('text') }),
                z.object({ type: z.literal('json_object') }),
                z.object({
                  type: z.literal('json_schema'),
                  name: z.string('a string'),
                  schema: jsonSchemaField,
                  strict: z.boolean('true or false').nullish(),
                }),
              ],
              formatRule,
            )
            .nullish(),
        },
        'an object',
      )
      .nullish(),
    reasoning: z
      .object(
        {
          effort: z
            .enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh'], 'an effort')
            .nullish(),
        },
        'an object',
      )
      .nullish(),
    metadata: z.record(z.string(), z.string(), 'an object of strings').nullish(),
    user: z.string('a string').nullish(),
  },
  'a JSON object',
)
type ResponsesBody = z.infer<typeof ResponsesBodySchema>

export interface ResponsesRequest {
  chat: ChatRequest
  /** What the answer repeats of the request. */
  asked: Pick<
    ResponsesBody,
    | 'instructions'
    | 'max_output_tokens'
    | 'tools'
    | 'tool_choice'
    | 'text'
    | 'reasoning'
    | 'metadata'
  >
}

export function parseResponsesRequest(body: unknown): Parsed<ResponsesRequest> {
  const unsupported = findUnsupported(body)
  if (unsupported !== undefined) return { ok: false, problem: unsupported }
  const parsed = parseBody(ResponsesBodySchema, body)
  if (!parsed.ok) return parsed
  const problem = findWrong(parsed.value)
  if (problem !== undefined) return { ok: false, problem }
  return { ok: true, value: { chat: chatOf(parsed.value), asked: parsed.value } }
}

function chatOf(body: ResponsesBody): ChatRequest {
  const { instructions, input, text, reasoning } = body
  const system: Message[] = isGiven(instructions) ? [{ role: 'system', content: instructions }] : []
  const items: readonly Item[] =
    typeof input === 'string' ? [{ role: 'user', content: input }] : input
  const { max_output_tokens: maxTokens, temperature, top_p: topP, seed, stream } = body
  const choice = body.tool_choice
  const tools = (body.tools ?? []).map(toolOf)
  const format = text?.format
  const effort = reasoning?.effort
  return {
    ...samplingOf({ max_tokens: maxTokens, temperature, top_p: topP, seed, stream }),
    model: body.model,
    messages: [...system, ...messagesOf(items)],
    tools,
    toolChoice:
      tools.length === 0
        ? { kind: 'none' }
        : typeof choice === 'object' && choice !== null
          ? { kind: 'named', name: choice.name }
          : { kind: choice ?? 'auto' },
    parallelToolCalls: body.parallel_tool_calls ?? true,
    responseFormat:
      !isGiven(format) || format.type === 'text'
        ? { kind: 'text' }
        : format.type === 'json_object'
          ? { kind: 'json_object' }
          : { kind: 'json_schema', schema: format.schema },
    topLogprobs: undefined,
    variables: isGiven(effort)
      ? { reasoning_effort: effort, enable_thinking: effort !== 'none' }
      : {},
    separateReasoning: true,
  }
}

/** An assistant's text, its reasoning and its calls are items of their own, and one message of a chat. */
function messagesOf(items: readonly Item[]): Message[] {
  const messages: Message[] = []
  let reasoning: string | undefined
  for (const item of items) {
    const last = messages.at(-1)
    if ('role' in item) {
      const content = textOf(item.content)
      if (item.role === 'assistant') {
        messages.push({
          role: 'assistant',
          content,
          ...(reasoning === undefined ? {} : { reasoning }),
        })
        reasoning = undefined
      } else {
        const role = item.role === 'developer' ? 'system' : item.role
        messages.push({ role, content })
      }
    } else if (item.type === 'reasoning') {
      reasoning = (item.content ?? []).map(({ text }) => text).join('')
    } else if (item.type === 'function_call_output') {
      messages.push({ role: 'tool', content: textOf(item.output), toolCallId: item.call_id })
    } else {
      const call = { id: item.call_id, name: item.name, arguments: item.arguments }
      const joins = last?.role === 'assistant' && reasoning === undefined
      const before = joins ? last : { role: 'assistant' as const, content: '' }
      const message = {
        ...before,
        ...(reasoning === undefined ? {} : { reasoning }),
        toolCalls: [...(joins ? (last.toolCalls ?? []) : []), call],
      }
      if (joins) messages[messages.length - 1] = message
      else messages.push(message)
      reasoning = undefined
    }
  }
  return messages
}

const textOf = (content: z.infer<typeof ContentSchema>): string =>
  typeof content === 'string'
    ? content
    : content.map((part) => ('text' in part ? part.text : part.refusal)).join('')

function findWrong(body: ResponsesBody): RequestProblem | undefined {
  const names = (body.tools ?? []).map(({ name }) => name)
  const { tool_choice: choice } = body
  const wanted = typeof choice === 'object' && choice !== null ? choice.name : undefined
  if (wanted !== undefined && !names.includes(wanted)) {
    const expected = 'the name of one of "tools"'
    return {
      ...{ code: 'invalid_value', param: 'tool_choice.name', expected, got: wanted },
      fix: 'name one of them',
    }
  }
  if (typeof body.input === 'string') return undefined
  const called = new Set<string>()
  for (const [index, item] of body.input.entries()) {
    if ('role' in item) continue
    if (item.type === 'function_call') called.add(item.call_id)
    if (item.type === 'function_call_output' && !called.has(item.call_id)) {
      const param = `input[${index}].call_id`
      const expected = 'the id of a call that came before'
      const fix = 'send the "function_call" item too'
      return { code: 'invalid_value', param, expected, got: item.call_id, fix }
    }
  }
  return undefined
}
