import { z } from 'zod'
import { parseBody } from './parse.ts'
import type { Parsed } from './parse.ts'
import { maxCompletionTokens, samplingFields, samplingOf } from './sampling.ts'
import type { Sampling } from './sampling.ts'
import { findUnsupported } from './unsupported.ts'

const partRule = 'a part {"type":"text","text":"..."}'
const TextPartSchema = z.object(
  { type: z.literal('text', partRule), text: z.string('a string') },
  partRule,
)
const contentRule = 'a string, or a list of parts {"type":"text","text":"..."}'
const ContentSchema = z.union([z.string(), z.array(TextPartSchema).min(1)], contentRule)

const ROLES = ['system', 'developer', 'user', 'assistant'] as const
const roleRule = 'one of "system", "developer", "user", "assistant" (tools are not supported)'
const MessageSchema = z.object(
  { role: z.enum(ROLES, roleRule), content: ContentSchema },
  'an object {"role","content"}',
)
const messagesRule = 'a list of at least one message'

const ChatBodySchema = z.object(
  {
    ...samplingFields,
    messages: z.array(MessageSchema, messagesRule).min(1, messagesRule),
    max_completion_tokens: maxCompletionTokens,
  },
  'a JSON object',
)

export interface ChatRequest extends Sampling {
  model: string
  messages: { role: 'system' | 'user' | 'assistant'; content: string }[]
}

export function parseChatRequest(body: unknown): Parsed<ChatRequest> {
  const parsed = parseBody(ChatBodySchema, body)
  if (!parsed.ok) return parsed
  const problem = findUnsupported(body)
  if (problem !== undefined) return { ok: false, problem }
  const { model, messages } = parsed.value
  return {
    ok: true,
    value: {
      model,
      messages: messages.map(({ role, content }) => ({
        // OpenAI's newer name of the same role; templates know the old one.
        role: role === 'developer' ? 'system' : role,
        content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
      })),
      ...samplingOf(parsed.value),
    },
  }
}
