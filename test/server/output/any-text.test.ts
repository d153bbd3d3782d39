import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FAMILIES, FORMATS } from '../../../server/openai/output/families.ts'
import type { Family } from '../../../server/openai/output/families.ts'
import type { OutputFormat } from '../../../server/openai/output/output-format.ts'
import type { Tool } from '../../../server/openai/output/tool.ts'
import { eventsOf, joinEvents, parse } from '../../helpers/parsed-answer.ts'

const TOOLS: Tool[] = [
  { name: 'look', parameters: { properties: { a: { type: 'string' }, b: { type: 'integer' } } } },
  { name: 'list' },
]

/** Whatever a family's answers are made of. */
function fragmentsOf({ reasoning, calls, frames }: OutputFormat): string[] {
  const pairs = [reasoning?.begin, reasoning?.end, calls?.section.begin, calls?.section.end]
  const call = calls?.call
  const named =
    call?.kind === 'named'
      ? [
          ...[call.head.before, call.head.prefix, call.head.after, call.head.open, ...call.ends],
          `${call.head.before}${call.head.prefix ?? ''}look${call.head.after}${call.head.open}`,
        ]
      : ['{"name": "look", "arguments": ', '{"name"', '"arguments"', '{"parameters": ']
  const style = call?.kind === 'named' ? call.arguments : undefined
  const tags =
    style?.kind === 'tagged'
      ? [
          ...[style.key.before, style.key.after, style.key.open, style.close.replace('KEY', 'a')],
          ...['a', 'b'].map(
            (key) => `${style.key.before}${key}${style.key.after}${style.key.open}`,
          ),
        ]
      : []
  const quote = style?.kind === 'braced' ? [style.quote, 'call:look{'] : []
  const all = [...pairs, ...frames, ...named, ...tags, ...quote, ' string="true"', ' type="number"']
  return all.filter((text) => text !== undefined && text !== '') as string[]
}

const COMMON = [
  'look',
  'list',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\n',
  ' ',
  '1',
  'true',
  'x',
]

const textOf = (format: OutputFormat, other: fc.Arbitrary<string>) =>
  fc
    .array(fc.oneof(fc.constantFrom(...fragmentsOf(format), ...COMMON), other), { maxLength: 25 })
    .map((parts) => parts.join(''))

const halfFragments = (format: OutputFormat) =>
  fc
    .tuple(fc.constantFrom(...fragmentsOf(format)), fc.nat(30))
    .map(([text, length]) => text.slice(0, length))

/** Cuts that a text is made of pieces by, as parts of its length. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 })
function piecesOf(text: string, parts: readonly number[]): string[] {
  const places = parts.map((part) => Math.floor(part * text.length)).sort((a, b) => a - b)
  return [...places, text.length].map((end, at) => text.slice(places[at - 1] ?? 0, end))
}

describe.each(FAMILIES)('any text, as %s', (family) => {
  const format = FORMATS[family]
  const options = fc.record({
    tools: fc.constantFrom([], TOOLS),
    reasoning: fc.boolean(),
    insideReasoning: fc.boolean(),
  })
  const text = textOf(format, fc.oneof(fc.string({ maxLength: 5 }), halfFragments(format)))

  test('says the same however it is cut into pieces', () => {
    fc.assert(
      fc.property(text, cuts, options, (whole, parts, chosen) => {
        expect(parse(format, piecesOf(whole, parts), chosen)).toEqual(parse(format, whole, chosen))
        expect(parse(format, whole.split(''), chosen)).toEqual(parse(format, whole, chosen))
      }),
      { numRuns: 400 },
    )
  })

  test('has only calls that end, and JSON objects where they are complete', () => {
    fc.assert(
      fc.property(text, options, (whole, chosen) => {
        const { calls } = joinEvents(eventsOf(format, [whole], chosen))
        for (const { name, json, outcome } of calls) {
          expect(TOOLS.map((tool) => tool.name)).toContain(name)
          expect(['complete', 'cut', 'malformed']).toContain(outcome)
          if (outcome === 'complete') expect(JSON.parse(json)).toBeTypeOf('object')
        }
      }),
      { numRuns: 400 },
    )
  })

  test('loses and repeats no word', () => {
    const words = fc
      .array(fc.constantFrom(...fragmentsOf(format), ...COMMON, '§'), { maxLength: 25 })
      .map((parts) => parts.map((part, at) => (part === '§' ? `§${at}§` : part)).join(''))
    fc.assert(
      fc.property(words, options, (whole, chosen) => {
        const { content, reasoning, calls } = parse(format, whole, chosen)
        const said = [content, reasoning, ...calls.map(({ json }) => json)].join('\n')
        expect(said.match(/§\d+§/g)?.sort()).toEqual(whole.match(/§\d+§/g)?.sort())
      }),
      { numRuns: 400 },
    )
  })

  test('is content as it stands where nothing else is asked for', () => {
    fc.assert(
      fc.property(text, (whole) => {
        const plain = format.frames.reduce((left, frame) => left.replaceAll(frame, ''), whole)
        fc.pre(plain === whole)
        expect(parse(format, whole, { tools: [], reasoning: false })).toEqual({
          ...{ content: whole, reasoning: '', calls: [] },
        })
      }),
      { numRuns: 200 },
    )
  })
})

/** A megabyte of each would take minutes if every piece were passed over more than a few times. */
describe('a hostile text', () => {
  const MEGABYTE = 1 << 20
  const fill = (text: string) => text.repeat(Math.ceil(MEGABYTE / text.length))

  function parsePieces(family: Family, text: string, size: number) {
    const count = Math.ceil(text.length / size)
    const pieces = Array.from({ length: count }, (_, at) => text.slice(at * size, (at + 1) * size))
    return parse(FORMATS[family], pieces, { tools: TOOLS })
  }

  test.each(FAMILIES)('is read in one pass: %s', { timeout: 30_000 }, (family) => {
    const fragments = fragmentsOf(FORMATS[family])
    const halves = fragments.map((text) => text.slice(0, -1))
    for (const part of ['<', '\n', '\n<', fragments.join(''), halves.join('')]) {
      const text = fill(part)
      for (const size of [7, text.length]) {
        const { content, reasoning } = parsePieces(family, text, size)
        expect(content.length + reasoning.length).toBeLessThanOrEqual(text.length)
      }
    }
  })

  test('is read in one pass, character by character', { timeout: 30_000 }, () => {
    for (const part of ['<', '\n', '\n<', '<tool_call']) {
      const text = fill(part)
      expect(parsePieces('hermes', text, 1)).toEqual({ content: text, reasoning: '', calls: [] })
    }
  })

  test.each([
    ['hermes', '<tool_call>{"name": "look", "arguments": {"a": "'],
    ['hermes', '<tool_call>{"arguments": {"a": '],
    ['llama-3', '{"name": "look", "parameters": '],
    ['qwen3-coder', '<tool_call><function=look><parameter=a>'],
    ['qwen3-coder', '<tool_call><function=look><parameter=c>'],
    ['minimax-m3', ']<]minimax[>[<tool_call>]<]minimax[>[<invoke name="look">]<]minimax[>[<c>'],
    ['gemma-4', '<|tool_call>call:look{a:<|"|>'],
    ['gemma-4', '<|tool_call>call:look{a:'],
  ] as const)('is read in one pass in a call: %s %s', { timeout: 30_000 }, (family, begin) => {
    const fragments = fragmentsOf(FORMATS[family])
    for (const part of ['<', '\n', '[', '{"a":', '1', '\\n', fragments.join('')]) {
      const { calls } = parsePieces(family, begin + fill(part), 16)
      expect(calls.every(({ outcome }) => outcome !== undefined)).toBe(true)
    }
  })
})
