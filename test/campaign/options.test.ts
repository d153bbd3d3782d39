import { describe, expect, test } from 'vitest'
import { CAMPAIGNS } from './campaigns.ts'
import { readOptions } from './options.ts'

describe('the command line of a campaign', () => {
  test('has the size and model of the campaign where it says nothing', () => {
    for (const [name, { size, model }] of Object.entries(CAMPAIGNS)) {
      expect(readOptions([name])).toEqual({ name, size, model, write: false })
    }
  })

  test('names others', () => {
    const args = ['kill', '--size', '3', '--model', 'gemma', '--write']
    expect(readOptions(args)).toEqual({ name: 'kill', size: 3, model: 'gemma', write: true })
  })

  test.each([
    ['no campaign', [], 'campaign: expected '],
    ['an unknown one', ['fly'], 'campaign: expected '],
    ['no number', ['kill', '--size', 'x'], '--size: expected a whole number above 0, got x'],
    ['an unknown model', ['kill', '--model', 'x'], '--model: expected gemma, smollm2, got x'],
    ['a model for what is about none', ['gguf', '--model', 'gemma'], '--model: expected none'],
  ])('with %s is refused', (_what, args, says) => {
    expect(() => readOptions(args)).toThrow(says)
  })
})
