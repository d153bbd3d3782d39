import { randomUUID } from 'node:crypto'
import type { Message } from './chat-messages.ts'
import type { OutputFormat } from './output/output-format.ts'

/** Of a call of an answer, which is the `index`th in it. */
export type CallId = (name: string, index: number) => string

const LENGTH = 24

/**
 * Ids by which the results of calls come back. Some templates write them before the results, and their
 * models know ids of one form alone: it counts the calls of a conversation.
 */
export function callIds({ callId }: OutputFormat, messages: readonly Message[]): CallId {
  if (callId === undefined) return randomId
  const before = messages.flatMap((message) =>
    message.role === 'assistant' ? (message.toolCalls ?? []) : [],
  )
  return (name, index) => callId(name, before.length + index)
}

const randomId: CallId = () => `call_${randomUUID().replaceAll('-', '').slice(0, LENGTH)}`
