/** Streamed answers put together, each into the shape that the whole one has. */
import type { ChatCompletion, ChatCompletionChunk } from 'openai/resources/chat/completions'
import type { Completion } from 'openai/resources/completions'
import type { ResponseOutputItem, ResponseStreamEvent } from 'openai/resources/responses/responses'

/** Of one answer alone: ids and times, and how much of the prompt lay in the cache. */
const ITS_OWN = new Set(['id', 'item_id', 'call_id', 'created', 'created_at', 'cached_tokens'])

/** What of an answer must be the same whenever it is asked for. */
export const comparable = (answer: object): unknown =>
  JSON.parse(
    JSON.stringify(answer, (key, value: unknown) => (ITS_OWN.has(key) ? undefined : value)),
  )

type ChatChoice = ChatCompletion['choices'][number]
type ChatPart = ChatCompletionChunk['choices'][number]
/** Not OpenAI's, but that of others who serve models that think. */
interface Thought {
  reasoning_content?: string
}
interface Call {
  id: string
  type: 'function'
  function: { name: string; arguments: string }
}

export function joinedChat(chunks: readonly ChatCompletionChunk[]): object {
  const choices = byChoice(chunks).map(chatChoice)
  return { ...headOf(chunks), object: 'chat.completion', choices }
}

function chatChoice(parts: readonly ChatPart[], index: number): ChatChoice {
  if (parts[0]?.delta.role !== 'assistant')
    throw new Error(`choice ${index} begins without its role`)
  const ends = parts.flatMap(({ finish_reason: finish }) => (finish === null ? [] : [finish]))
  const [finish] = ends
  if (finish === undefined || ends.length > 1)
    throw new Error(`choice ${index} ends ${ends.length} times`)
  const content = parts.map(({ delta }) => delta.content ?? '').join('')
  const thought = parts.map(({ delta }) => (delta as Thought).reasoning_content ?? '').join('')
  const calls = callsOf(parts)
  const told = parts.flatMap(({ logprobs }) => (isTold(logprobs) ? [logprobs.content ?? []] : []))
  return {
    index,
    message: {
      ...{ role: 'assistant', refusal: null },
      content: calls.length > 0 && content === '' ? null : content,
      ...(thought === '' ? {} : { reasoning_content: thought }),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    },
    logprobs: told.length === 0 ? null : { content: told.flat(), refusal: null },
    finish_reason: finish,
  }
}

function callsOf(parts: readonly ChatPart[]): Call[] {
  const calls: Call[] = []
  for (const { index, id, function: given } of parts.flatMap(
    ({ delta }) => delta.tool_calls ?? [],
  )) {
    if (id !== undefined) {
      if (index !== calls.length) throw new Error(`call ${index} is out of turn`)
      calls.push({ id, type: 'function', function: { name: given?.name ?? '', arguments: '' } })
    }
    const call = calls[index]
    if (call === undefined) throw new Error(`arguments of call ${index}, which has not begun`)
    call.function.arguments += given?.arguments ?? ''
  }
  return calls
}

export function joinedCompletion(chunks: readonly Completion[]): object {
  return { ...headOf(chunks), choices: byChoice<TextPart>(chunks).map(textChoice) }
}

/** As a chunk has it: of all but the last the document does not say that this may be null. */
type TextPart = Omit<Completion['choices'][number], 'finish_reason'> & {
  finish_reason: string | null
}

function textChoice(parts: readonly TextPart[], index: number): TextPart {
  const told = parts.flatMap(({ logprobs }) => (isTold(logprobs) ? [logprobs] : []))
  const finish = parts.at(-1)?.finish_reason ?? null
  if (finish === null) throw new Error(`choice ${index} has no end`)
  const logprobs = {
    tokens: told.flatMap(({ tokens = [] }) => tokens),
    token_logprobs: told.flatMap(({ token_logprobs: each = [] }) => each),
    top_logprobs: told.flatMap(({ top_logprobs: each = [] }) => each),
    text_offset: told.flatMap(({ text_offset: each = [] }) => each),
  }
  return {
    ...{ index, text: parts.map(({ text }) => text).join('') },
    logprobs: told.length === 0 ? null : logprobs,
    finish_reason: finish,
  }
}

/** What every chunk has in common, and the usage, that the last one has. */
function headOf(chunks: readonly (ChatCompletionChunk | Completion)[]): object {
  const heads = chunks.map(({ choices: _, usage: __, ...head }) => head)
  if (new Set(heads.map((head) => JSON.stringify(head))).size !== 1)
    throw new Error('chunks of one stream differ in their heads')
  return { ...heads[0], usage: chunks.at(-1)?.usage ?? undefined }
}

/** Parts of each choice, in their order. */
function byChoice<Part extends { index: number }>(
  chunks: readonly { choices: readonly Part[] }[],
): Part[][] {
  const choices: Part[][] = []
  for (const part of chunks.flatMap(({ choices: parts }) => parts))
    (choices[part.index] ??= []).push(part)
  return choices
}

const isTold = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined

/** Its head is that of the last event, its items are put together from what came before. */
export function joinedResponse(events: readonly ResponseStreamEvent[]): object {
  const items: ResponseOutputItem[] = []
  for (const event of events) grow(items, event)
  const last = events.at(-1)
  if (last?.type !== 'response.completed' && last?.type !== 'response.incomplete')
    throw new Error(`a stream ends with ${last?.type}`)
  return { ...last.response, output: items }
}

function grow(items: ResponseOutputItem[], event: ResponseStreamEvent): void {
  switch (event.type) {
    case 'response.output_item.added':
      items[event.output_index] = structuredClone(event.item)
      break
    case 'response.content_part.added': {
      const item = items[event.output_index]
      if (item !== undefined && 'content' in item) item.content!.push({ ...event.part } as never)
      break
    }
    case 'response.output_text.delta':
    case 'response.reasoning_text.delta':
      textOf(items, event).text += event.delta
      break
    case 'response.output_text.done':
    case 'response.reasoning_text.done':
      same(textOf(items, event).text, event.text)
      break
    case 'response.function_call_arguments.delta':
      callOf(items, event).arguments += event.delta
      break
    case 'response.function_call_arguments.done':
      same(callOf(items, event).arguments, event.arguments)
      break
    case 'response.output_item.done': {
      const item = items[event.output_index]
      if (item !== undefined && 'status' in item && 'status' in event.item)
        item.status = event.item.status
      same(JSON.stringify(comparable(item ?? {})), JSON.stringify(comparable(event.item)))
    }
  }
}

interface Place {
  output_index: number
  content_index: number
}

function textOf(items: readonly ResponseOutputItem[], place: Place): { text: string } {
  const item = items[place.output_index]
  const parts = item?.type === 'message' || item?.type === 'reasoning' ? item.content : undefined
  const part = parts?.[place.content_index]
  if (part === undefined || !('text' in part)) throw new Error(`no text at ${place.output_index}`)
  return part
}

function callOf(
  items: readonly ResponseOutputItem[],
  { output_index: at }: { output_index: number },
) {
  const item = items[at]
  if (item?.type !== 'function_call') throw new Error(`no call at ${at}`)
  return item
}

function same(joined: string, told: string): void {
  if (joined !== told) throw new Error(`pieces are ${joined}, the event at their end says ${told}`)
}
