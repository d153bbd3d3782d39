import { describe, expect, test } from 'vitest'
import { FAMILIES, FORMATS } from '../../../server/openai/output/families.ts'
import type { Family } from '../../../server/openai/output/families.ts'
import { OutputParser } from '../../../server/openai/output/output-parser.ts'
import type { Tool } from '../../../server/openai/output/tool.ts'
import { everySplit, parse } from '../../helpers/parsed-answer.ts'

const TOOLS: Tool[] = [
  { name: 'look', parameters: { type: 'object', properties: { at: { type: 'string' } } } },
  { name: 'look_up' },
]

/** One call look({"at":"sky"}) as each family writes it. */
const LOOK: Readonly<Record<Exclude<Family, 'plain'>, string>> = {
  hermes: '<tool_call>\n{"name": "look", "arguments": {"at":"sky"}}\n</tool_call>',
  'qwen3-coder':
    '<tool_call>\n<function=look>\n<parameter=at>\nsky\n</parameter>\n</function>\n</tool_call>',
  'llama-3': '{"name": "look", "parameters": {"at":"sky"}}',
  'deepseek-r1':
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>look\n```json\n{"at":"sky"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
  'deepseek-v3.1':
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>look<｜tool▁sep｜>{"at":"sky"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
  'deepseek-v3.2':
    '<｜DSML｜function_calls>\n<｜DSML｜invoke name="look">\n<｜DSML｜parameter name="at" string="true">sky</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>',
  'deepseek-v4':
    '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="look">\n<｜DSML｜parameter name="at" string="true">sky</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>',
  'glm-4.5': '<tool_call>look\n<arg_key>at</arg_key>\n<arg_value>sky</arg_value>\n</tool_call>',
  'glm-4.7': '<tool_call>look<arg_key>at</arg_key><arg_value>sky</arg_value></tool_call>',
  'kimi-k2':
    '<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>{"at":"sky"}<|tool_call_end|><|tool_calls_section_end|>',
  'kimi-k3':
    '<|open|>tools<|sep|><|open|>call tool="look" index="1"<|sep|><|open|>argument key="at" type="string"<|sep|>sky<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools<|sep|>',
  'minimax-m1': '<tool_calls>\n{"name": "look", "arguments": {"at":"sky"}}\n</tool_calls>',
  'minimax-m2':
    '<minimax:tool_call>\n<invoke name="look">\n<parameter name="at">sky</parameter>\n</invoke>\n</minimax:tool_call>',
  'minimax-m3':
    ']<]minimax[>[<tool_call>\n]<]minimax[>[<invoke name="look">]<]minimax[>[<at>sky]<]minimax[>[</at>]<]minimax[>[</invoke>\n]<]minimax[>[</tool_call>',
  'gemma-4': '<|tool_call>call:look{at:<|"|>sky<|"|>}<tool_call|>',
}
const WITH_CALLS = FAMILIES.filter((family) => family !== 'plain')
const CALL = { name: 'look', json: '{"at":"sky"}', outcome: 'complete' }
const NOTHING = { content: '', reasoning: '', calls: [] }

const read = (family: Family, text: string | string[], options = {}) =>
  parse(FORMATS[family], text, { tools: TOOLS, ...options })

describe.each(WITH_CALLS)('%s', (family) => {
  const { reasoning, calls, frames } = FORMATS[family]

  test('reads its call', () => {
    expect(read(family, LOOK[family])).toEqual({ ...NOTHING, calls: [CALL] })
  })

  test('gives its call as content where no tools were asked for', () => {
    const text = `One.\n\n${LOOK[family]}\n`
    for (const pieces of everySplit(text)) {
      expect(read(family, pieces, { tools: [] })).toEqual({ ...NOTHING, content: text })
    }
  })

  test('gives its call as content where it names no tool', () => {
    const text = LOOK[family].replaceAll('look', 'cook')
    for (const pieces of everySplit(text)) {
      expect(read(family, pieces)).toEqual({ ...NOTHING, content: text })
    }
  })

  test('ends every call that it begins, wherever the answer ends', () => {
    const text = LOOK[family]
    for (let length = 0; length < text.length; length++) {
      const { content, calls: read_, ...rest } = read(family, text.slice(0, length))
      expect(rest).toEqual({ reasoning: '' })
      const [call] = read_
      if (call === undefined) expect(content).toBe(text.slice(0, length))
      else if (call.outcome === 'complete') expect(call).toEqual(CALL)
      else {
        expect(call).toMatchObject({ name: 'look', outcome: 'cut' })
        expect(() => JSON.parse(call.json) as unknown).toThrow()
      }
    }
  })

  test('reads what only looks like its markers as content', () => {
    const markers = [reasoning?.begin, reasoning?.end, calls?.section.begin, calls?.section.end]
    const half = markers.flatMap((marker) => (marker ?? '').trim().slice(0, -1) || [])
    const text = `a ${half.join(' ')} < {"name"} b`
    for (const pieces of everySplit(text)) {
      expect(read(family, pieces)).toEqual({ ...NOTHING, content: text })
    }
  })

  test('has no marker that begins another', () => {
    const begin = calls?.call.kind === 'named' ? calls.call.head.before : ''
    const texts = [
      reasoning?.begin,
      reasoning?.end,
      calls?.section.begin,
      calls?.section.end,
      begin,
    ]
    const all = [...new Set([...texts, ...frames].map((text) => (text ?? '').trim()))]
    const some = all.filter((text) => text !== '')
    for (const one of some) {
      expect(some.filter((other) => other.startsWith(one))).toEqual([one])
    }
  })

  test('reads thoughts and content around its call', () => {
    if (reasoning === undefined || calls?.bare === 'at-start') return
    const thoughts = `${reasoning.begin}Hm.${reasoning.end}`
    expect(read(family, `${thoughts}One.\n\n${LOOK[family]}\n\nTwo.\n`)).toEqual({
      ...{ reasoning: 'Hm.', content: 'One.Two.\n', calls: [CALL] },
    })
  })

  test('gives reasoning as content, as it stands, where it is not asked for', () => {
    if (reasoning === undefined) return
    const text = `${reasoning.begin}Hm.${reasoning.end}Yes.`
    for (const pieces of everySplit(text)) {
      expect(read(family, pieces, { reasoning: false })).toEqual({ ...NOTHING, content: text })
    }
    const rest = text.slice(reasoning.begin.length)
    const options = { reasoning: false, insideReasoning: true }
    expect(read(family, rest, options)).toEqual({ ...NOTHING, content: rest })
  })

  test('takes a call within reasoning for its end, or for a thought', () => {
    if (reasoning === undefined) return
    const answer = read(family, `Hm.\n${LOOK[family]}`, { insideReasoning: true })
    if (calls?.endReasoning === true) {
      expect(answer).toEqual({ ...NOTHING, reasoning: 'Hm.', calls: [CALL] })
    } else expect(answer).toEqual({ ...NOTHING, reasoning: `Hm.\n${LOOK[family]}` })
  })

  test('has content after a call that ended the reasoning', () => {
    if (calls?.endReasoning !== true) return
    const { end } = calls.section
    const text = `Hm.\n${LOOK[family].slice(0, -end.trim().length)} and ${end}\nYes.`
    expect(read(family, text, { insideReasoning: true })).toEqual({
      ...{ reasoning: 'Hm.', content: ' and Yes.', calls: [CALL] },
    })
  })
})

describe('what is held back', () => {
  const parser = (family: Family) =>
    new OutputParser(FORMATS[family], { tools: TOOLS, reasoning: true, insideReasoning: false })

  test('is only what may become a marker, with the newlines before it', () => {
    const answer = parser('hermes')
    const texts = ['Hello', ' <b', '> <tool', '_box>\n', '\n', '<', 'x'].map((piece) =>
      answer.push(piece).map((event) => ('text' in event ? event.text : event.type)),
    )
    expect(texts).toEqual([['Hello'], [' <b'], ['> '], ['<tool_box>'], [], [], ['\n\n<x']])
  })

  test('is no call where no tools were asked for', () => {
    const options = { tools: [], reasoning: true, insideReasoning: false }
    const answer = new OutputParser(FORMATS.hermes, options)
    const pieces = ['a<tool', '_call>\n', '{'].map((piece) => answer.push(piece))
    expect(pieces.flat()).toEqual(
      ['a<tool', '_call>', '\n{'].map((text) => ({ type: 'content', text })),
    )
  })

  test('is not what is certain of a call', () => {
    const answer = parser('qwen3-coder')
    const events = (piece: string) => answer.push(piece)
    expect(events('<tool_call>\n<function=look')).toEqual([])
    expect(events('>\n')).toEqual([])
    expect(events('<parameter=at>')).toEqual([
      { type: 'call-begin', index: 0, name: 'look' },
      { type: 'call-arguments', index: 0, json: '{"at":"' },
    ])
    expect(events('\nthe "sky"')).toEqual([
      { type: 'call-arguments', index: 0, json: 'the \\"sky\\"' },
    ])
    expect(events('\n')).toEqual([])
    expect(events('and </para')).toEqual([{ type: 'call-arguments', index: 0, json: '\\nand ' }])
  })
})

describe('reasoning', () => {
  test('has no newlines of the marker, also of one in the prompt', () => {
    const answer = { ...NOTHING, reasoning: 'Hm.\n\nHm.', content: 'Yes.' }
    const text = '\n\nHm.\n\nHm.\n</think>\n\nYes.'
    expect(read('hermes', `<think>${text}`)).toEqual(answer)
    expect(read('hermes', text, { insideReasoning: true })).toEqual(answer)
  })

  test('comes at the beginning of an answer; later its markers are text', () => {
    const text = 'Write <think> and </think>.'
    expect(read('hermes', text)).toEqual({ ...NOTHING, content: text })
    expect(read('hermes', `\n<think>Hm.</think>${text}`)).toEqual({
      ...{ ...NOTHING, reasoning: 'Hm.', content: text },
    })
  })

  test('that ended in the prompt leaves no marker in the content', () => {
    expect(read('minimax-m3', '</mm:think>Yes.')).toEqual({ ...NOTHING, content: 'Yes.' })
    expect(read('gemma-4', 'Yes.<channel|>')).toEqual({ ...NOTHING, content: 'Yes.' })
  })

  test('may come again where the marker can be nothing else', () => {
    const thought = (text: string) => `<|channel>thought\n${text}\n<channel|>`
    expect(read('gemma-4', `${thought('a')}One.${thought('b')}Two.`)).toEqual({
      ...{ reasoning: 'ab', content: 'One.Two.', calls: [] },
    })
  })

  test('that does not end is reasoning', () => {
    expect(read('hermes', '<think>\nHm.\n</thi')).toEqual({ ...NOTHING, reasoning: 'Hm.\n</thi' })
    expect(read('hermes', '<think>\nHm.\n')).toEqual({ ...NOTHING, reasoning: 'Hm.\n' })
  })
})
