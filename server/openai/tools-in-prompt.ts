/** Tools for models whose chat template does not know of any. */
import type { ChatRequest } from './chat-request.ts'
import type { Message } from './chat-messages.ts'
import { FORMATS } from './output/families.ts'
import type { OutputFormat } from './output/output-format.ts'
import type { Tool } from './tools.ts'

export interface PromptedChat {
  /** How the answer is read. */
  format: OutputFormat
  chat: {
    messages: readonly Message[]
    tools: readonly Tool[]
    variables: ChatRequest['variables']
  }
}

/**
 * A chat for a model's template. Where that does not mention tools, they are told in the system message,
 * and calls and their results are written in the messages, in the notation of Hermes.
 */
export function withToolsInPrompt(
  format: OutputFormat,
  template: string,
  {
    messages,
    tools,
    toolChoice,
    variables,
  }: Pick<ChatRequest, 'messages' | 'tools' | 'toolChoice' | 'variables'>,
): PromptedChat {
  const told = toolChoice.kind === 'none' ? [] : tools
  const knowsTools = /\btools\b/.test(template)
  const isAboutCalls = messages.some(
    (message) => message.role === 'tool' || (message.role === 'assistant' && message.toolCalls),
  )
  if (knowsTools || (told.length === 0 && !isAboutCalls)) {
    return { format, chat: { messages, tools: told, variables } }
  }
  const written = messages.map(writtenOut)
  const { reasoning, ...hermes } = FORMATS.hermes
  return {
    format:
      format.calls === undefined ? { ...hermes, ...(format.reasoning && { reasoning }) } : format,
    chat: {
      messages: told.length === 0 ? written : withInstructions(written, instructionsFor(told)),
      ...{ tools: [], variables },
    },
  }
}

function writtenOut(message: Message): Message {
  if (message.role === 'tool') {
    const content = `<tool_response>\n${message.content}\n</tool_response>`
    return { role: 'user', content }
  }
  if (message.role !== 'assistant' || message.toolCalls === undefined) return message
  const { toolCalls, ...rest } = message
  const calls = toolCalls.map(({ name, arguments: given }) => {
    return `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${given}}\n</tool_call>`
  })
  const content = [rest.content, ...calls].filter((text) => text !== '').join('\n')
  return { ...rest, content }
}

function withInstructions(messages: readonly Message[], instructions: string): Message[] {
  const [first, ...rest] = messages
  if (first?.role === 'system') {
    return [{ ...first, content: `${first.content}\n\n${instructions}` }, ...rest]
  }
  return [{ role: 'system', content: instructions }, ...messages]
}

const instructionsFor = (tools: readonly Tool[]) =>
  [
    'You may call these functions, described one a line as JSON:',
    ...tools.map(({ name, description, parameters }) =>
      JSON.stringify({ name, description, parameters }),
    ),
    'To call one, write its name and its arguments as JSON, and nothing else:',
    '<tool_call>',
    '{"name": "a function\'s name", "arguments": {"an argument": "its value"}}',
    '</tool_call>',
  ].join('\n')
