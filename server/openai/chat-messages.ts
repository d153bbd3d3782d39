import { z } from 'zod'
import { isGiven } from './given.ts'

/** A message as chat templates know it. */
export type Message =
  | { role: 'system' | 'user'; content: string; name?: string }
  | {
      role: 'assistant'
      content: string
      reasoning?: string
      toolCalls?: readonly ToolCall[]
    }
  | { role: 'tool'; content: string; toolCallId: string }

export interface ToolCall {
  id: string
  name: string
  /** JSON, as the client sent it. */
  arguments: string
}

const MOST_CALLS = 128
const partRule = 'a part {"type":"text","text":"..."}: this model reads text alone'
const TextPartSchema = z.object(
  { type: z.literal('text', partRule), text: z.string('a string') },
  partRule,
)
const contentRule = 'a string, or a list of parts {"type":"text","text":"..."}'
const ContentSchema = z.union([z.string(), z.array(TextPartSchema).min(1)], contentRule)
const nameField = z.string('a string').max(64, 'a string of at most 64 characters').nullish()

const callRule = 'a call {"id","type":"function","function":{"name","arguments"}}'
const CallSchema = z.object(
  {
    id: z
      .string('a string')
      .min(1, 'the id of the call')
      .max(256, 'an id of at most 256 characters'),
    type: z.literal('function', '"function"'),
    function: z.object(
      {
        name: z.string('a string').min(1, 'the name of a function').max(64, 'a shorter name'),
        arguments: z.string('JSON as a string'),
      },
      '{"name","arguments"}',
    ),
  },
  callRule,
)

const roleRule = 'one of "system", "developer", "user", "assistant", "tool"'
const MessageSchema = z.discriminatedUnion(
  'role',
  [
    z.object({
      role: z.enum(['system', 'developer', 'user']),
      content: ContentSchema,
      name: nameField,
    }),
    z.object({
      role: z.literal('assistant'),
      content: ContentSchema.nullish(),
      /** As vLLM and DeepSeek call it; a template that wants it finds it. */
      reasoning_content: z.string('a string').nullish(),
      tool_calls: z
        .array(CallSchema, 'a list of calls')
        .max(MOST_CALLS, `at most ${MOST_CALLS} calls`)
        .nullish(),
      name: nameField,
    }),
    z.object({
      role: z.literal('tool'),
      content: ContentSchema,
      tool_call_id: z.string('the id of a call that came before'),
    }),
  ],
  roleRule,
)
export type MessageBody = z.infer<typeof MessageSchema>

const messagesRule = 'a list of at least one message'
export const messagesField = z
  .array(MessageSchema, messagesRule)
  .min(1, messagesRule)
  .superRefine((messages, context) => {
    const asked = new Set<string>()
    for (const [index, message] of messages.entries()) {
      const issue = (field: string, text: string) =>
        context.addIssue({ code: 'custom', path: [index, field], message: text })
      if (message.role === 'tool') {
        if (!asked.has(message.tool_call_id))
          issue('tool_call_id', 'the id of a call that came before')
      } else if (message.role === 'assistant') {
        for (const { id } of message.tool_calls ?? []) asked.add(id)
        const isEmpty = !isGiven(message.content) && (message.tool_calls ?? []).length === 0
        if (isEmpty) issue('content', `${contentRule}, or "tool_calls"`)
      }
    }
  })

export function messageOf(message: MessageBody): Message {
  const content = textOf(message.content)
  if (message.role === 'tool') return { role: 'tool', content, toolCallId: message.tool_call_id }
  if (message.role === 'assistant') {
    const calls = message.tool_calls ?? []
    return {
      ...{ role: 'assistant', content },
      ...(isGiven(message.reasoning_content) ? { reasoning: message.reasoning_content } : {}),
      ...(calls.length === 0
        ? {}
        : { toolCalls: calls.map(({ id, function: called }) => ({ id, ...called })) }),
    }
  }
  return {
    // OpenAI's newer name of the same role; templates know the old one.
    role: message.role === 'developer' ? 'system' : message.role,
    content,
    ...(isGiven(message.name) ? { name: message.name } : {}),
  }
}

const textOf = (content: z.infer<typeof ContentSchema> | null | undefined): string =>
  typeof content === 'string' ? content : (content ?? []).map(({ text }) => text).join('')
