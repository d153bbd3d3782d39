import { z } from 'zod'
import { messageOf, messagesField } from './chat-messages.ts'
import type { Message } from './chat-messages.ts'
import { wholeFrom } from './numbers.ts'
import { parseBody } from './parse.ts'
import type { Parsed, RequestProblem } from './parse.ts'
import { formatFields, responseFormatOf } from './response-format.ts'
import type { ResponseFormat } from './response-format.ts'
import { MOST_TOKENS, samplingFields, samplingOf } from './sampling.ts'
import type { Sampling } from './sampling.ts'
import { toolChoiceField, toolChoiceOf, toolOf, toolsField } from './tools.ts'
import type { Tool, ToolChoice } from './tools.ts'
import { findUnsupported } from './unsupported.ts'
import { isGiven } from './given.ts'

export const MOST_TOP_LOGPROBS = 20
const MOST_VARIABLES = 32
const variablesRule = `an object of at most ${MOST_VARIABLES} strings, numbers and booleans`
/** Set by what a request says elsewhere, or by the model. */
const TAKEN = new Set([
  ...['messages', 'tools', 'documents', 'add_generation_prompt', 'bos_token', 'eos_token'],
])

export const ChatBodySchema = z.object(
  {
    ...samplingFields,
    messages: messagesField,
    max_completion_tokens: wholeFrom(1, MOST_TOKENS).nullish(),
    logprobs: z.boolean('true or false').nullish(),
    top_logprobs: wholeFrom(0, MOST_TOP_LOGPROBS).nullish(),
    ...formatFields,
    tools: toolsField,
    tool_choice: toolChoiceField,
    parallel_tool_calls: z.boolean('true or false').nullish(),
    reasoning_effort: z
      .enum(
        ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'],
        'one of "none", "minimal", "low", "medium", "high", "xhigh"',
      )
      .nullish(),
    /** As vLLM and llama-server: variables of the chat template, such as `enable_thinking`. */
    chat_template_kwargs: z
      .record(
        z.string().max(64),
        z.union([z.string().max(256), z.number(), z.boolean()]),
        variablesRule,
      )
      .refine((variables) => Object.keys(variables).length <= MOST_VARIABLES, variablesRule)
      .nullish(),
    /** As llama-server: "none" leaves reasoning where the model wrote it. */
    reasoning_format: z
      .enum(['auto', 'deepseek', 'none'], 'one of "auto", "deepseek", "none"')
      .nullish(),
  },
  'a JSON object',
)
type ChatBody = z.infer<typeof ChatBodySchema>

export interface ChatRequest extends Sampling {
  model: string
  messages: readonly Message[]
  tools: readonly Tool[]
  toolChoice: ToolChoice
  /** More than one call in an answer. */
  parallelToolCalls: boolean
  responseFormat: ResponseFormat
  /** Of each token, so many likely others; undefined: none are told. */
  topLogprobs: number | undefined
  /** Of the chat template. */
  variables: Readonly<Record<string, string | number | boolean>>
  /** Reasoning has a field of its own. */
  separateReasoning: boolean
}

export function parseChatRequest(body: unknown): Parsed<ChatRequest> {
  const parsed = parseBody(ChatBodySchema, body)
  if (!parsed.ok) return parsed
  const problem = findUnsupported(body) ?? findContradiction(parsed.value)
  return problem === undefined
    ? { ok: true, value: requestOf(parsed.value) }
    : { ok: false, problem }
}

function requestOf(body: ChatBody): ChatRequest {
  const tools = (body.tools ?? []).map((tool) => toolOf(tool.function))
  const maxTokens = body.max_completion_tokens ?? body.max_tokens
  return {
    ...samplingOf({ ...body, max_tokens: maxTokens }),
    model: body.model,
    messages: body.messages.map(messageOf),
    tools,
    toolChoice: toolChoiceOf(body.tool_choice, tools),
    parallelToolCalls: body.parallel_tool_calls ?? true,
    responseFormat: responseFormatOf(body),
    topLogprobs: body.logprobs === true ? (body.top_logprobs ?? 0) : undefined,
    variables: variablesOf(body),
    separateReasoning: body.reasoning_format !== 'none',
  }
}

/** OpenAI's word for it, and the template variables that models of this kind read. */
function variablesOf({ reasoning_effort: effort, chat_template_kwargs: given }: ChatBody) {
  const variables = {
    ...(isGiven(effort) ? { reasoning_effort: effort, enable_thinking: effort !== 'none' } : {}),
    ...given,
  }
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !TAKEN.has(name)))
}

function findContradiction(body: ChatBody): RequestProblem | undefined {
  const names = (body.tools ?? []).map((tool) => tool.function.name)
  const wrong = (param: string, expected: string, got: unknown, fix: string): RequestProblem => ({
    ...{ code: 'invalid_value', param, expected, got, fix },
  })
  const again = names.findIndex((name, index) => names.indexOf(name) !== index)
  if (again >= 0) {
    const param = `tools[${again}].function.name`
    return wrong(param, 'a name that no other tool has', names[again], 'rename the tool')
  }
  const { tool_choice: choice, top_logprobs: top } = body
  if (names.length === 0 && isGiven(choice) && choice !== 'none' && choice !== 'auto') {
    return wrong(
      'tool_choice',
      '"none" or "auto", because there are no "tools"',
      choice,
      'add "tools"',
    )
  }
  if (typeof choice === 'object' && choice !== null && !names.includes(choice.function.name)) {
    const param = 'tool_choice.function.name'
    return wrong(param, 'the name of one of "tools"', choice.function.name, 'name one of them')
  }
  if (isGiven(top) && top > 0 && body.logprobs !== true) {
    return wrong(
      'top_logprobs',
      'nothing, because "logprobs" is not true',
      top,
      'set "logprobs" to true',
    )
  }
  return undefined
}
