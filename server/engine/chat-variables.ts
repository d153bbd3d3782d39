import type { Chat, ChatMessage, ChatTool } from './engine.ts'

/** Makes another text of each text of a client. */
export type Rewrite = (text: string) => string

/** The variables of a chat template, as Hugging Face's tokenizers name them. */
export function chatVariables(
  { messages, tools, variables }: Chat,
  rewrite: Rewrite,
): Record<string, unknown> {
  return {
    ...variables,
    messages: messages.map((message) => messageVariables(message, rewrite)),
    ...(tools.length === 0 ? {} : { tools: tools.map((tool) => toolVariables(tool, rewrite)) }),
    add_generation_prompt: true,
  }
}

function messageVariables(message: ChatMessage, rewrite: Rewrite): Record<string, unknown> {
  const { role } = message
  const content = rewrite(message.content)
  if (role === 'tool') return { role, content, tool_call_id: rewrite(message.toolCallId) }
  if (role !== 'assistant') {
    return { role, content, ...(message.name === undefined ? {} : { name: rewrite(message.name) }) }
  }
  const { reasoning, toolCalls } = message
  return {
    ...{ role, content },
    ...(reasoning === undefined ? {} : { reasoning_content: rewrite(reasoning) }),
    // Templates ask whether the field is there.
    ...(toolCalls === undefined
      ? {}
      : {
          tool_calls: toolCalls.map(({ id, name, arguments: given }) => ({
            ...{ id: rewrite(id), type: 'function' },
            function: { name: rewrite(name), arguments: rewritten(argumentsOf(given), rewrite) },
          })),
        }),
  }
}

/** Templates go through the members; what is no object is told as it is. */
function argumentsOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : text
  } catch {
    return text
  }
}

const toolVariables = ({ name, description, parameters }: ChatTool, rewrite: Rewrite) => ({
  type: 'function',
  function: {
    name: rewrite(name),
    // Some templates write it in any case.
    description: rewrite(description ?? ''),
    parameters: rewritten(parameters ?? { type: 'object', properties: {} }, rewrite),
  },
})

/** Every text in it, names of members included. */
function rewritten(value: unknown, rewrite: Rewrite): unknown {
  if (typeof value === 'string') return rewrite(value)
  if (Array.isArray(value)) return value.map((item) => rewritten(item, rewrite))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [rewrite(key), rewritten(member, rewrite)]),
  )
}
