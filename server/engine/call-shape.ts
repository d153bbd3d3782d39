import type { Chat } from './engine.ts'

/** How a template takes calls. */
export interface CallShape {
  /** The content of a message that holds calls alone. */
  readonly noContent: '' | null
  /** Arguments of a call: their members, or JSON. */
  readonly arguments: 'members' | 'json'
  /** The template prints null as Python does, where its renderer would print nothing. */
  readonly printsNull: boolean
  /** It refuses several calls of a message, or tells the first alone. */
  readonly single: boolean
}

/** What Hugging Face tells makers of templates; some templates are older than that. */
const USUAL: CallShape = {
  ...{ noContent: '', arguments: 'members', printsNull: false, single: false },
}
const KINDS: readonly (readonly CallShape[])[] = [
  [USUAL, { ...USUAL, noContent: null }],
  [
    { ...USUAL, arguments: 'json' },
    { ...USUAL, arguments: 'json', noContent: null },
  ],
]

const NAME = 'look_up_q'
const [KEY, NULL_KEY] = ['where_q', 'when_q']
const [VALUE, OTHER_VALUE] = ['here_q', 'yonder_q']
/** Ids as Mistral's templates want them. */
const IDS = ['a1b2c3d4e', 'f6g7h8i9j'] as const

/** Calls with these values of an argument, and their results. */
function probe(values: readonly string[]): Chat {
  const calls = values.map((value, at) => ({
    ...{ id: IDS[at] ?? '', name: NAME },
    arguments: JSON.stringify({ [KEY]: value, [NULL_KEY]: null }),
  }))
  return {
    messages: [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: '', toolCalls: calls },
      ...calls.map(({ id }) => ({ role: 'tool' as const, content: 'y', toolCallId: id })),
    ],
    tools: [{ name: NAME, parameters: { type: 'object', properties: {} } }],
    variables: {},
  }
}
/** Members that a template wrote without a thought of their form, and JSON that it wrote as a text. */
const MISWRITTEN = [`'${KEY}':`, `\\"${KEY}\\"`]

/** `render` throws where the template refuses a chat in this shape. */
type Render = (chat: Chat, shape: CallShape) => string

/** The shape in which a call is to be seen, with no empty content beside it and no "None". */
export function callShapeOf(render: Render): CallShape {
  for (const shapes of KINDS) {
    const shown = shapes.flatMap((shape) => {
      const text = shownCalls(render, shape, [VALUE])
      return text === undefined ? [] : [{ shape, text }]
    })
    // A stable sort: the usual shape, where it is as good.
    const [best] = shown.toSorted((a, b) => a.text.length - b.text.length)
    if (best === undefined) continue
    return {
      ...best.shape,
      printsNull: best.text.includes(NULL_KEY) && !/null|None/.test(best.text),
      single: shownCalls(render, best.shape, [VALUE, OTHER_VALUE]) === undefined,
    }
  }
  return USUAL
}

/** Undefined: the template refuses them, or they are not to be seen. */
function shownCalls(render: Render, shape: CallShape, values: string[]): string | undefined {
  try {
    const text = render(probe(values), shape)
    const isThere = [NAME, KEY, ...values].every((part) => text.includes(part))
    return isThere && !MISWRITTEN.some((part) => text.includes(part)) ? text : undefined
  } catch {
    return undefined
  }
}
