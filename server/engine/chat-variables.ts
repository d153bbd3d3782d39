import type { CallShape } from './call-shape.ts'
import type { Chat, ChatMessage, ChatTool } from './engine.ts'
import type { ExactNumbers } from './exact-numbers.ts'
import { hasParallelCalls, withSingleCalls } from './single-calls.ts'

/** Makes another text of each text of a client. */
export type Rewrite = (text: string) => string

/** How a chat is told to a template. */
export interface Telling {
  text: Rewrite
  numbers: ExactNumbers
  /** Asked where there are calls. */
  calls: () => CallShape
}

/** The variables of a chat template, as Hugging Face's tokenizers name them. */
export function chatVariables(
  { messages, tools, variables }: Chat,
  telling: Telling,
): Record<string, unknown> {
  const isSplit = hasParallelCalls(messages) && telling.calls().single
  const told = isSplit ? withSingleCalls(messages) : messages
  return {
    ...variables,
    messages: told.map((message) => messageVariables(message, telling)),
    ...(tools.length === 0 ? {} : { tools: tools.map((tool) => toolVariables(tool, telling)) }),
    add_generation_prompt: true,
  }
}

function messageVariables(message: ChatMessage, telling: Telling): Record<string, unknown> {
  const { role } = message
  const content = telling.text(message.content)
  if (role === 'tool') return { role, content, tool_call_id: telling.text(message.toolCallId) }
  if (role !== 'assistant') {
    const { name } = message
    return { role, content, ...(name === undefined ? {} : { name: telling.text(name) }) }
  }
  const { reasoning, toolCalls } = message
  return {
    role,
    content: content === '' && toolCalls !== undefined ? telling.calls().noContent : content,
    ...(reasoning === undefined ? {} : { reasoning_content: telling.text(reasoning) }),
    // Templates ask whether the field is there.
    ...(toolCalls === undefined
      ? {}
      : {
          tool_calls: toolCalls.map(({ id, name, arguments: given }) => ({
            ...{ id: telling.text(id), type: 'function' },
            function: { name: telling.text(name), arguments: argumentsOf(given, telling) },
          })),
        }),
  }
}

/** Templates go through the members; what is no object is told as it is. */
function argumentsOf(text: string, telling: Telling): unknown {
  const shape = telling.calls()
  if (shape.arguments === 'json') return telling.text(text)
  // JavaScript's numbers are not all that JSON has.
  const exact = (_key: string, value: unknown, context?: { source?: string }) => {
    if (typeof value === 'number') return telling.numbers.standIn(context?.source ?? `${value}`)
    return value === null && shape.printsNull ? telling.numbers.standInFor('None') : value
  }
  try {
    const value: unknown = JSON.parse(text, exact)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return rewritten(value, telling)
    }
  } catch {
    // It is no JSON.
  }
  return telling.text(text)
}

const toolVariables = ({ name, description, parameters }: ChatTool, telling: Telling) => ({
  type: 'function',
  function: {
    name: telling.text(name),
    // Some templates write it in any case.
    description: telling.text(description ?? ''),
    parameters: rewritten(parameters ?? { type: 'object', properties: {} }, telling),
  },
})

/** Every text in it, names of members included, and every number. */
function rewritten(value: unknown, telling: Telling): unknown {
  if (typeof value === 'string') return telling.text(value)
  if (typeof value === 'number') return telling.numbers.standIn(`${value}`)
  if (Array.isArray(value)) return value.map((item) => rewritten(item, telling))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [telling.text(key), rewritten(member, telling)]),
  )
}
