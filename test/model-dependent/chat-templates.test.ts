/**
 * Every chat template that llama.cpp's source holds, as makers of models published it: what the engine
 * makes of a conversation is what Python's Jinja makes of it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadBindings } from '../../server/engine/bindings.ts'
import type { Chat } from '../../server/engine/engine.ts'
import type { Bindings } from '../../server/engine/native.ts'
import { detectFormat } from '../../server/openai/output/detect-format.ts'
import { withToolsInPrompt } from '../../server/openai/tools-in-prompt.ts'
import { ChatTemplates } from '../helpers/chat-templates.ts'
import { ROOT } from '../helpers/project.ts'
import { CONVERSATIONS } from '../templates/conversations.ts'
import {
  DIFFERENCES,
  GROWING_LISTS,
  UNTOLD_CALLS,
  callShape,
  toldAs,
} from '../templates/differences.ts'
import { renderedByEngine } from '../templates/ours.ts'
import { renderedByPython } from '../templates/reference.ts'
import type { Asked, Rendering } from '../templates/reference.ts'

const templates = new ChatTemplates()
const NAMES = templates.names()
let bindings: Bindings
beforeAll(async () => {
  const compiled = { compiled: true, key: 'compiled' }
  bindings = (await loadBindings({ gpu: false, threads: 1 }, compiled)).bindings
})
afterAll(() => templates.remove())

const ASKED = Object.entries(CONVERSATIONS).flatMap(([name, chat]) =>
  [true, false].map((generationPrompt) => ({ name, chat: { ...chat, generationPrompt } })),
)
const CHATS: readonly Asked[] = ASKED.map(({ chat }) => chat)

describe('what the engine renders is what Python renders', () => {
  let engine: ReadonlyMap<string, readonly Rendering[]>
  let python: ReadonlyMap<string, readonly Rendering[]>

  beforeAll(async () => {
    let day: Date
    do {
      day = new Date()
      const rendered = NAMES.map((name) => renderedByEngine(bindings, templates.read(name), CHATS))
      engine = new Map(NAMES.map((name, at) => [name, rendered[at] ?? []]))
      // Some templates write the day, which may have ended meanwhile.
    } while (new Date().getDate() !== day.getDate())
    const askings = NAMES.map((name) => ({
      ...{ template: templates.read(name), calls: callShape(name) },
      asked: ASKED.map(({ name: conversation, chat }) => ({
        ...(CONVERSATIONS[toldAs(name, conversation)] ?? chat),
        generationPrompt: chat.generationPrompt,
      })),
      growingLists: GROWING_LISTS.has(name),
    }))
    const reference = await renderedByPython(askings, day)
    python = new Map(NAMES.map((name, at) => [name, reference[at] ?? []]))
  }, 600_000)

  test('with every template that the source holds', () => {
    expect(NAMES.length).toBeGreaterThanOrEqual(70)
    const differing = DIFFERENCES.flatMap((difference) => difference.templates)
    expect(differing.filter((name) => !NAMES.includes(name))).toEqual([])
  })

  test('but for differences that are told', () => {
    const page = readFileSync(join(ROOT, 'docs/concepts/tool-calls.md'), 'utf8')
    expect(DIFFERENCES.filter(({ why }) => !page.includes(`| ${why} |`))).toEqual([])
  })

  test.each(NAMES)('%s', (name) => {
    const wrong = ASKED.flatMap(({ name: conversation, chat }, at) => {
      const got = engine.get(name)?.[at] ?? { error: 'nothing' }
      const reference = python.get(name)?.[at] ?? { error: 'nothing' }
      const fault = faultOf(name, conversation, got, reference)
      return fault === undefined ? [] : [{ conversation, on: chat.generationPrompt, ...fault }]
    })
    expect(wrong).toEqual([])
    // One that both refused throughout would show nothing.
    const shown = engine.get(name)?.filter((rendering) => 'text' in rendering).length
    expect(shown).toBeGreaterThan(ASKED.length / 3)
  })
})

/** undefined: they are the same, or differ as is known. */
function faultOf(name: string, conversation: string, engine: Rendering, python: Rendering) {
  const known = DIFFERENCES.find(
    ({ templates: of, conversations }) => of.includes(name) && conversations.includes(conversation),
  )?.differs
  const [refused, referenceRefused] = [engine, python].map((each) => 'error' in each && each.error)
  if (known !== undefined && 'engineRefuses' in known) {
    const isKnown = refused !== false && refused?.includes(known.engineRefuses) === true
    return isKnown && 'text' in python ? undefined : { engine, python, known }
  }
  if (known !== undefined && 'pythonRefuses' in known) {
    const isKnown = referenceRefused === known.pythonRefuses
    return isKnown && 'text' in engine ? undefined : { engine, python, known }
  }
  if ('error' in engine && 'error' in python && known === undefined) return undefined
  if ('error' in engine || 'error' in python) return { engine, python }
  const expected = known?.engine(python.text) ?? python.text
  const isStale = known !== undefined && expected === python.text
  return engine.text === expected && !isStale ? undefined : differenceOf(engine.text, expected)
}

/** What differs, without what the two share at both ends. */
function differenceOf(engine: string, expected: string) {
  const shortest = Math.min(engine.length, expected.length)
  let begin = 0
  while (begin < shortest && engine[begin] === expected[begin]) begin++
  let end = 0
  while (end < shortest - begin && engine.at(-1 - end) === expected.at(-1 - end)) end++
  const of = (text: string) => text.slice(Math.max(0, begin - 20), text.length - end)
  return { engine: of(engine), expected: of(expected) }
}

test('numbers of arguments are what Python makes of them, drawn at random', async () => {
  const double = fc.double({ noNaN: true, noDefaultInfinity: true })
  const number = fc.oneof(
    double.map((value) => `${value}`),
    double.map((value) => value.toExponential().replace('e', 'E')),
    fc.maxSafeInteger().map((value) => `${value}.0`),
    fc.bigInt().map((value) => `${value}`),
    fc.tuple(fc.integer(), fc.integer({ min: -400, max: 400 })).map((parts) => parts.join('e')),
  )
  const numbers = fc.sample(number, { numRuns: 5000, seed: 1 })
  const call = { id: '1', name: 'f', arguments: `{"numbers": [${numbers.join()}]}` }
  const messages = [{ role: 'assistant' as const, content: '', toolCalls: [call] }]
  const asked = [{ messages, tools: [], variables: {}, generationPrompt: true }]
  const called = '{{ call.function.name }}{{ call.function.arguments | tojson }}'
  const template = `{% for m in messages %}{% for call in m.tool_calls or [] %}${called}{% endfor %}{% endfor %}`
  const asking = { template, asked, calls: callShape(''), growingLists: false }
  const [python] = await renderedByPython([asking], new Date())
  expect(renderedByEngine(bindings, template, asked)).toEqual(python)
})

describe('a tool, its calls and their results are told to the model', () => {
  const CHAT: Chat = {
    messages: [
      { role: 'user', content: 'What is it like there?' },
      {
        ...{ role: 'assistant', content: '' },
        toolCalls: [
          { id: 'a1b2c3d4e', name: 'look_up', arguments: '{"where": "Kuching"}' },
          { id: 'f6g7h8i9j', name: 'look_up', arguments: '{"where": "Tawau"}' },
        ],
      },
      { role: 'tool', content: 'rain, all day', toolCallId: 'a1b2c3d4e' },
      { role: 'tool', content: 'and wind', toolCallId: 'f6g7h8i9j' },
    ],
    tools: [
      {
        ...{ name: 'look_up', description: 'looks around' },
        parameters: {
          type: 'object',
          properties: { where: { type: 'string', description: 'the place' } },
        },
      },
    ],
    variables: {},
  }
  const TOLD = {
    tools: ['looks around'],
    calls: ['Kuching', 'Tawau'],
    results: ['rain, all day', 'and wind'],
  }

  test.each(NAMES)('%s', (name) => {
    const template = templates.read(name)
    const { chat } = withToolsInPrompt(detectFormat(template), template, {
      ...CHAT,
      toolChoice: { kind: 'auto' },
    })
    const [rendering = { error: 'none' }] = renderedByEngine(bindings, template, [
      { ...chat, generationPrompt: true },
    ])
    const text = 'text' in rendering ? rendering.text : `refused: ${rendering.error}`
    const isUntold = (told: string) => !text.includes(told)
    const untold = Object.entries(TOLD).filter(([, texts]) => texts.some(isUntold))
    expect(untold.map(([what]) => what)).toEqual(UNTOLD_CALLS.has(name) ? ['calls'] : [])
  })
})
