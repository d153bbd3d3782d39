/** Tools for models whose chat template does not know of any. */
import type { ChatRequest } from './chat-request.ts'
import type { Message } from './chat-messages.ts'
import { FORMATS } from './output/families.ts'
import { forcedCalls } from './output/forced-call.ts'
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

/** What Gemma's template says to a system message. */
const NO_SYSTEM = /system role not supported/i

/**
 * A chat for a model's template. Where that does not mention tools, a message tells them. Where it writes
 * no calls either, these and their results are text of the messages, in the notation of Hermes.
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
  const writesCalls = /\btool_calls\b/.test(template) && exampleOf(format) !== undefined
  const read = writesCalls ? format : hermesFor(format)
  const written = writesCalls ? messages : writtenOut(messages)
  return {
    format: read,
    chat: {
      messages:
        told.length === 0
          ? written
          : withInstructions(written, instructionsFor(told, read), template),
      ...{ tools: [], variables },
    },
  }
}

function hermesFor({ reasoning: thoughts }: OutputFormat): OutputFormat {
  const { reasoning, ...hermes } = FORMATS.hermes
  return { ...hermes, ...(thoughts && { reasoning }) }
}

/**
 * Calls and results as text. Results that follow each other, and what the user says then, are one
 * message: there are templates that want roles to take turns.
 */
function writtenOut(messages: readonly Message[]): Message[] {
  const written: Message[] = []
  let isAfterResult = false
  for (const message of messages) {
    const next = asText(message)
    const last = written.at(-1)
    if (isAfterResult && next.role === 'user' && last !== undefined) {
      written[written.length - 1] = { ...next, content: `${last.content}\n${next.content}` }
    } else written.push(next)
    isAfterResult = message.role === 'tool'
  }
  return written
}

function asText(message: Message): Message {
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

/** In the system message, or in the user's first where the template takes no other. */
function withInstructions(
  messages: readonly Message[],
  instructions: string,
  template: string,
): Message[] {
  const role = NO_SYSTEM.test(template) ? 'user' : 'system'
  const [first, ...rest] = messages
  if (first?.role !== role) return [{ role, content: instructions }, ...messages]
  const texts = [first.content, instructions]
  const content = (role === 'system' ? texts : texts.reverse()).join('\n\n')
  return [{ ...first, content }, ...rest]
}

const instructionsFor = (tools: readonly Tool[], format: OutputFormat) =>
  [
    'You may call these functions, described one a line as JSON:',
    ...tools.map(({ name, description, parameters }) =>
      JSON.stringify({ name, description, parameters }),
    ),
    'To call one, write its name and its arguments as JSON, and nothing else:',
    exampleOf(format),
  ].join('\n')

/** A call as a family writes it; undefined: it has none, or writes their arguments otherwise than in JSON. */
function exampleOf(format: OutputFormat): string | undefined {
  const tools = [{ name: 'name_of_the_function' }]
  const parts = forcedCalls(format, { tools, parallel: false, insideReasoning: false })
  const texts = parts?.map((part) => {
    if ('text' in part) return part.text
    return 'json' in part ? '{"an argument": "its value"}' : undefined
  })
  return texts?.includes(undefined) === false ? texts.join('') : undefined
}
