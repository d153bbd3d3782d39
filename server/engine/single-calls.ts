import type { ChatMessage } from './engine.ts'

const callsOf = (message: ChatMessage) =>
  message.role === 'assistant' ? (message.toolCalls ?? []) : []

export const hasParallelCalls = (messages: readonly ChatMessage[]) =>
  messages.some((message) => callsOf(message).length > 1)

/** The same conversation with one call a message, its result right after it. */
export function withSingleCalls(messages: readonly ChatMessage[]): ChatMessage[] {
  const told: ChatMessage[] = []
  const moved = new Set<ChatMessage>()
  for (const [at, message] of messages.entries()) {
    if (moved.has(message)) continue
    const [first, ...others] = callsOf(message)
    if (message.role !== 'assistant' || first === undefined || others.length === 0) {
      told.push(message)
      continue
    }
    const end = messages.findIndex(({ role }, index) => index > at && role !== 'tool')
    const results = messages.slice(at + 1, end < 0 ? undefined : end)
    for (const call of [first, ...others]) {
      const calling = call === first ? message : { role: message.role, content: '' }
      told.push({ ...calling, toolCalls: [call] })
      const result = results.find(
        (each) => each.role === 'tool' && each.toolCallId === call.id && !moved.has(each),
      )
      if (result === undefined) continue
      moved.add(result)
      told.push(result)
    }
  }
  return told
}
