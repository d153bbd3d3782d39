/** OpenAI's JSON of a response: its items as they grow, its events, and the whole. */
import type { AnswerHead, Usage } from './answer-head.ts'
import type { ChatFinish, ChatPart } from './chat-answer.ts'
import type { ResponsesRequest } from './responses-request.ts'

type Status = 'in_progress' | 'completed' | 'incomplete'

type OutputItem =
  | {
      id: string
      type: 'reasoning'
      summary: []
      content: { type: 'reasoning_text'; text: string }[]
      status: Status
    }
  | {
      id: string
      type: 'message'
      role: 'assistant'
      content: { type: 'output_text'; text: string; annotations: []; logprobs: [] }[]
      status: Status
    }
  | {
      id: string
      type: 'function_call'
      call_id: string
      name: string
      arguments: string
      status: Status
    }

/** An event of a stream; its number is counted by who sends it. */
export type ResponseEvent = { type: string } & Record<string, unknown>

const PREFIX = { reasoning: 'rs_', message: 'msg_', function_call: 'fc_' } as const

/** A response as it grows. */
export class ResponseAnswer {
  readonly #head: AnswerHead
  readonly #request: ResponsesRequest
  readonly #newId: () => string
  readonly #items: OutputItem[] = []
  /** By the number of the call: where its item is. */
  readonly #calls = new Map<number, number>()

  /** `newId`: a random text, for the items. */
  constructor(head: AnswerHead, request: ResponsesRequest, newId: () => string) {
    this.#head = head
    this.#request = request
    this.#newId = newId
  }

  begin(): ResponseEvent[] {
    const response = this.json('in_progress')
    return [
      { type: 'response.created', response },
      { type: 'response.in_progress', response },
    ]
  }

  /** Takes in what comes next. */
  add(part: ChatPart): ResponseEvent[] {
    switch (part.kind) {
      case 'content':
        return this.#text('message', part.text)
      case 'reasoning':
        return this.#text('reasoning', part.text)
      case 'call':
        return this.#call(part)
      case 'arguments':
        return this.#arguments(part)
    }
  }

  end(finish: ChatFinish, usage: Usage): ResponseEvent[] {
    const status = finish === 'length' ? 'incomplete' : 'completed'
    const closed = this.#close(status)
    return [...closed, { type: `response.${status}`, response: this.json(status, usage) }]
  }

  /** What went wrong on the way is told in place of an end. */
  fail(message: string): ResponseEvent {
    const error = { code: 'server_error', message }
    return {
      type: 'response.failed',
      response: { ...this.json('in_progress'), status: 'failed', error },
    }
  }

  /** All of it. */
  json(status: Status, usage?: Usage): Record<string, unknown> {
    const { asked, chat } = this.#request
    return {
      ...{ id: this.#head.id, object: 'response', created_at: this.#head.created, status },
      ...{ background: false, error: null },
      incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
      instructions: asked.instructions ?? null,
      max_output_tokens: asked.max_output_tokens ?? null,
      model: this.#head.model,
      output: structuredClone(this.#items),
      parallel_tool_calls: chat.parallelToolCalls,
      previous_response_id: null,
      reasoning: { effort: asked.reasoning?.effort ?? null, summary: null },
      store: false,
      temperature: chat.temperature,
      text: { format: asked.text?.format ?? { type: 'text' } },
      tool_choice: asked.tool_choice ?? 'auto',
      tools: (asked.tools ?? []).map((tool) => ({
        ...tool,
        parameters: tool.parameters ?? null,
        strict: tool.strict ?? null,
      })),
      top_p: chat.topP,
      truncation: 'disabled',
      // Not null before it is known: OpenAI's document has it so in an example, and forbids it.
      ...(usage === undefined ? {} : { usage: usageOf(usage) }),
      metadata: asked.metadata ?? {},
    }
  }

  #text(kind: 'message' | 'reasoning', text: string): ResponseEvent[] {
    const events = this.#items.at(-1)?.type === kind ? [] : this.#open(kind)
    const item = this.#items.at(-1)
    const [part] = item !== undefined && 'content' in item ? item.content : []
    if (item === undefined || part === undefined) return events
    part.text += text
    const name = kind === 'message' ? 'output_text' : 'reasoning_text'
    return [
      ...events,
      {
        ...{ type: `response.${name}.delta`, item_id: item.id, output_index: this.#last },
        ...{ content_index: 0, delta: text },
        ...(kind === 'message' ? { logprobs: [] } : {}),
      },
    ]
  }

  #open(kind: 'message' | 'reasoning'): ResponseEvent[] {
    const closed = this.#close('completed')
    const id = PREFIX[kind] + this.#newId()
    const status = 'in_progress'
    const item: OutputItem =
      kind === 'message'
        ? { id, type: kind, role: 'assistant', content: [], status }
        : { id, type: kind, summary: [], content: [], status }
    this.#items.push(item)
    const added = this.#added(item)
    if (item.type === 'message') {
      item.content.push({ type: 'output_text', text: '', annotations: [], logprobs: [] })
    } else if (item.type === 'reasoning') item.content.push({ type: 'reasoning_text', text: '' })
    return [...closed, added, this.#part('response.content_part.added', item)]
  }

  #call({ index, id, name }: Extract<ChatPart, { kind: 'call' }>): ResponseEvent[] {
    const closed = this.#close('completed')
    const item: OutputItem = {
      ...{ id: PREFIX.function_call + this.#newId(), type: 'function_call', call_id: id, name },
      ...{ arguments: '', status: 'in_progress' },
    }
    this.#items.push(item)
    this.#calls.set(index, this.#last)
    return [...closed, this.#added(item)]
  }

  #arguments({ index, text }: Extract<ChatPart, { kind: 'arguments' }>): ResponseEvent[] {
    const at = this.#calls.get(index)
    const item = at === undefined ? undefined : this.#items[at]
    if (item?.type !== 'function_call') return []
    item.arguments += text
    const type = 'response.function_call_arguments.delta'
    return [{ type, item_id: item.id, output_index: at, delta: text }]
  }

  /** Ends the item that grows. */
  #close(status: 'completed' | 'incomplete'): ResponseEvent[] {
    const item = this.#items.at(-1)
    if (item?.status !== 'in_progress') return []
    item.status = status
    const place = { item_id: item.id, output_index: this.#last }
    const done: ResponseEvent = {
      ...{ type: 'response.output_item.done', output_index: this.#last },
      item: structuredClone(item),
    }
    if (item.type === 'function_call') {
      const type = 'response.function_call_arguments.done'
      return [{ type, ...place, name: item.name, arguments: item.arguments }, done]
    }
    const text = item.content[0]?.text ?? ''
    const name = item.type === 'message' ? 'output_text' : 'reasoning_text'
    const whole = {
      ...{ type: `response.${name}.done`, ...place, content_index: 0, text },
      ...(item.type === 'message' ? { logprobs: [] } : {}),
    }
    return [whole, this.#part('response.content_part.done', item), done]
  }

  #added(item: OutputItem): ResponseEvent {
    const type = 'response.output_item.added'
    return { type, output_index: this.#last, item: structuredClone(item) }
  }

  #part(type: string, item: Extract<OutputItem, { content: unknown }>): ResponseEvent {
    const [part] = structuredClone(item.content)
    return { type, item_id: item.id, output_index: this.#last, content_index: 0, part }
  }

  get #last(): number {
    return this.#items.length - 1
  }
}

const usageOf = (usage: Usage) => ({
  input_tokens: usage.prompt_tokens,
  input_tokens_details: { cached_tokens: usage.prompt_tokens_details.cached_tokens },
  output_tokens: usage.completion_tokens,
  output_tokens_details: {
    reasoning_tokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  },
  total_tokens: usage.total_tokens,
})
