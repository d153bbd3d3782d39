import { join } from 'node:path'
import { run } from '../../infra/local/command.ts'
import type { CallShape } from '../../server/engine/call-shape.ts'
import type { Chat, ChatMessage } from '../../server/engine/engine.ts'
import { ensurePythonClients } from '../clients/python-environment.ts'

/** What becomes of a chat. */
export type Rendering = { text: string } | { error: string }

/** A chat, and whether the answer begins at its end. */
export interface Asked extends Chat {
  generationPrompt: boolean
}

export interface Asking {
  template: string
  /** How the template takes calls. */
  calls: CallShape
  /** It fills lists, which Hugging Face refuses. */
  growingLists: boolean
  asked: readonly Asked[]
}

export const TOKENS = { bos_token: '<bos>', eos_token: '<eos>' }

/** The renderings by Python's Jinja, on the day of `now`. */
export async function renderedByPython(
  askings: readonly Asking[],
  now: Date,
): Promise<Rendering[][]> {
  const python = await ensurePythonClients('openai-3', () => undefined)
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
  const lines = askings.map(({ template, calls, growingLists, asked }) =>
    JSON.stringify({
      ...{ template, growingLists, now: day, arguments: calls.arguments },
      renderings: asked.map((chat) => variablesOf(chat, calls)),
    }),
  )
  const script = join(import.meta.dirname, 'render.py')
  const printed = await run(python, [script], { input: lines.join('\n') })
  return printed
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Rendering[])
}

const two = (value: number) => `${value}`.padStart(2, '0')

/** As `apply_chat_template` passes what a client of OpenAI's sends. */
const variablesOf = (
  { messages, tools, variables, generationPrompt }: Asked,
  calls: CallShape,
) => ({
  ...variables,
  ...TOKENS,
  messages: messages.map((message) => messageOf(message, calls)),
  tools: tools.length === 0 ? null : tools.map(toolOf),
  documents: null,
  add_generation_prompt: generationPrompt,
})

/** Arguments of a call stay text here: Python reads the numbers in them as they are. */
function messageOf(message: ChatMessage, { noContent }: CallShape): object {
  const { role, content } = message
  if (role === 'tool') return { role, content, tool_call_id: message.toolCallId }
  if (role !== 'assistant') return message
  const { reasoning, toolCalls } = message
  const calls = toolCalls?.map(({ id, name, arguments: given }) => ({
    ...{ id, type: 'function', function: { name, arguments: given } },
  }))
  return {
    ...{ role, content: calls !== undefined && content === '' ? noContent : content },
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    ...(calls === undefined ? {} : { tool_calls: calls }),
  }
}

const toolOf = ({ name, description = '', parameters }: Chat['tools'][number]) => ({
  type: 'function',
  function: { name, description, parameters: parameters ?? { type: 'object', properties: {} } },
})
