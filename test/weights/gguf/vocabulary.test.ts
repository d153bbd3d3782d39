import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { charsmapProblem } from '../../../weights/gguf/charsmap.ts'
import { TokenTexts } from '../../../weights/gguf/token-texts.ts'
import {
  TYPES,
  array,
  f32,
  ggufText,
  i32,
  number,
  text,
  texts,
  u32,
} from '../../helpers/small-gguf.ts'
import type { GgufParts, Pair } from '../../helpers/small-gguf.ts'
import { BASE, CHARSMAP, CHAT, EMBEDDER, POLYGLOT, changed } from '../../helpers/small-models.ts'
import { check, refusal } from './refusals.ts'

const KEY = 'tokenizer.ggml'

/** Texts of a model's tokens, in their order. */
function tokensOf({ pairs }: GgufParts): Buffer[] {
  const { value } = pairs.find(({ key }) => key === `${KEY}.tokens`)!
  const found: Buffer[] = []
  for (let at = 12; at < value.length;) {
    const length = Number(value.readBigUInt64LE(at))
    found.push(value.subarray(at + 8, at + 8 + length))
    at += 8 + length
  }
  return found
}

const withToken = (parts: GgufParts, token: number, content: string | Buffer) =>
  changed(parts, [texts(`${KEY}.tokens`, tokensOf(parts).with(token, Buffer.from(content)))])

const LAST = tokensOf(CHAT).length - 1
const count = LAST + 1

describe('a tokenizer', () => {
  test.each<[string, Pair[], string[], string]>([
    ['no model of one', [], [`${KEY}.model`], '.model": expected a tokenizer'],
    ['none by name', [text(`${KEY}.model`, 'none')], [], 'got "none"'],
    ['none by its other name', [text(`${KEY}.model`, 'no_vocab')], [], 'got "no_vocab"'],
    ['one that llama.cpp does not have', [text(`${KEY}.model`, 'magic')], [], 'got "magic"'],
    ['a name that every object has', [text(`${KEY}.model`, 'toString')], [], 'got "toString"'],
    ['no tokens', [], [`${KEY}.tokens`], '.tokens": expected a tokenizer'],
  ])('that is missing makes a file not servable: %s', (_what, set, without, says) => {
    const why = refusal(changed(CHAT, set, without))
    expect(why).toContain('WEIGHTS_NOT_SERVABLE')
    expect(why).toContain(says)
  })

  const types = (value: number, length = count) =>
    array(
      `${KEY}.token_type`,
      TYPES.i32,
      Array.from({ length }, () => i32(value)),
    )
  const scores = (value: number, length = count) =>
    array(
      `${KEY}.scores`,
      TYPES.f32,
      Array.from({ length }, () => f32(value)),
    )
  test.each<[string, Pair, string]>([
    ['tokens that are numbers', array(`${KEY}.tokens`, TYPES.u32, [u32(1)]), 'an array of string'],
    ['tokens that are no list', text(`${KEY}.tokens`, 'a'), 'an array of string, got "a"'],
    ['no token', texts(`${KEY}.tokens`, []), '1 to 1048575 tokens, got an array of 0 string'],
    ['too few scores', scores(0, 3), `one for each of ${count} tokens, got an array of 3 f32`],
    ['scores that are text', texts(`${KEY}.scores`, ['a']), 'an array of f32 or i32'],
    ['scores that are no numbers', scores(NaN), 'numbers, got NaN for token 0'],
    ['too few types', types(1, 3), `one for each of ${count} tokens`],
    ['types of another type', array(`${KEY}.token_type`, TYPES.u32, [u32(1)]), 'an array of i32'],
    ['a template that is a number', number('tokenizer.chat_template', 1), 'a text, got 1 (u32)'],
    ['a pre-tokenizer that is a list', texts(`${KEY}.pre`, []), 'a text, got an array of 0'],
    ['a model that is a number', number(`${KEY}.model`, 1), 'a text, got 1 (u32)'],
    ['suppressed texts', texts(`${KEY}.suppress_tokens`, ['a']), 'an array of i32'],
  ])('is refused with %s', (_what, pair, says) => {
    const why = refusal(changed(CHAT, [pair]))
    expect(why).toMatch(/^WEIGHTS_CORRUPT: a\.gguf, byte \d+, "tokenizer\./)
    expect(why).toContain(says)
  })

  test('of byte pairs needs its merges, as texts', () => {
    expect(refusal(changed(BASE, [], [`${KEY}.merges`]))).toContain('the merges of byte pairs')
    const numbers = array(`${KEY}.merges`, TYPES.u32, [u32(1)])
    expect(refusal(changed(BASE, [numbers]))).toContain('an array of string')
    const without = changed(BASE, [text(`${KEY}.pre`, 'kimi-k2')], [`${KEY}.merges`])
    expect(() => check(without)).not.toThrow()
  })
})

describe('tokens', () => {
  test.each<[string, string | Buffer, string]>([
    ['a text that is there already', '<s>', `"<s>" as token ${LAST}`],
    ['a text that is there up to a zero', '<s>\0more', `"<s>" as token ${LAST}`],
    ['more bytes than any', 'x'.repeat(4097), 'at most 4096 bytes'],
  ])('are refused with %s', (_what, content, says) => {
    const why = refusal(withToken(CHAT, LAST, content))
    expect(why).toMatch(/^WEIGHTS_CORRUPT: a\.gguf, byte \d+, "tokenizer\.ggml\.tokens": expected /)
    expect(why).toContain(says)
  })

  test('may be empty, several of them, unless another has the name that such a one gets', () => {
    const empty = withToken(withToken(CHAT, LAST, ''), LAST - 1, '\0zero')
    expect(() => check(empty)).not.toThrow()
    expect(() => check(withToken(empty, LAST - 2, `[EMPTY_${LAST - 3}]`))).not.toThrow()
    const why = refusal(withToken(empty, LAST - 2, `[EMPTY_${LAST}]`))
    expect(why).toContain(`a text, as another is "[EMPTY_${LAST}]", got "" as token ${LAST}`)
  })

  const asByte = (parts: GgufParts, token: number) => {
    const { value } = parts.pairs.find(({ key }) => key === `${KEY}.token_type`)!
    const types = Buffer.from(value)
    types.writeInt32LE(6, 12 + 4 * token)
    return changed(parts, [{ key: `${KEY}.token_type`, type: TYPES.array, value: types }])
  }

  test.each(['<0x-1>', '<0xZZ>', '<0x1>', '!', ''])('may not be the byte %s', (name) => {
    const why = refusal(asByte(withToken(CHAT, LAST, name), LAST))
    expect(why).toContain('a byte token, "<0x00>" to "<0xFF>"')
  })

  test('of word pieces may not be bytes, for which llama.cpp has no code', () => {
    expect(refusal(asByte(EMBEDDER, 9))).toContain('expected no byte token')
  })

  test('of SentencePiece must be there for each byte: a client may write it', () => {
    const at = tokensOf(CHAT).findIndex((token) => token.toString() === '<0xE0>')
    const why = refusal(asNormal(withToken(CHAT, at, 'other'), at))
    expect(why).toContain('WEIGHTS_NOT_SERVABLE')
    expect(why).toContain('a token for each byte, got none for 224')
    const raw = asNormal(withToken(CHAT, at, Buffer.of(0xe0)), at)
    expect(() => check(raw)).not.toThrow()
  })

  const asNormal = (parts: GgufParts, token: number) => {
    const { value } = parts.pairs.find(({ key }) => key === `${KEY}.token_type`)!
    const types = Buffer.from(value)
    types.writeInt32LE(1, 12 + 4 * token)
    return changed(parts, [{ key: `${KEY}.token_type`, type: TYPES.array, value: types }])
  }

  test('of RWKV must be there for each byte that one begins with: the others are read for ever', () => {
    const rwkv = (...tokens: string[]) =>
      changed(
        CHAT,
        [
          text(`${KEY}.model`, 'rwkv'),
          texts(`${KEY}.tokens`, tokens),
          number(`${KEY}.unknown_token_id`, 0),
        ],
        [`${KEY}.scores`, `${KEY}.token_type`],
      )
    expect(() =>
      check(rwkv('<s>', '<', 'a', 'ab', '\\n', '\\n\\n', '\\xe0', '\\xe0\\xb8')),
    ).not.toThrow()
    expect(refusal(rwkv('a', 'ab', '\\n\\n'))).toContain('got none for 10')
    expect(refusal(rwkv('a', '\\xe0\\xb8'))).toContain('got none for 224')
    expect(refusal(rwkv('a', '\\\\b'))).toContain('got none for 92')
    const { pairs, tensors } = rwkv('a')
    const unknown = { pairs: pairs.filter(({ key }) => !key.includes('unknown')), tensors }
    expect(refusal(unknown)).toContain('got none for 0')
  })
})

describe('a token for what is unknown', () => {
  const key = `${KEY}.unknown_token_id`

  test.each(['WORDS', 'UNIGRAMS'])(
    'must be there among %s, or a client writes what is none',
    (what) => {
      const parts = what === 'WORDS' ? EMBEDDER : POLYGLOT
      const beyond = changed(parts, [number(key, 5000)])
      if (what === 'WORDS') {
        expect(refusal(beyond)).toContain(`"${key}": expected a token for what it does not know`)
        expect(refusal(beyond)).toContain('WEIGHTS_NOT_SERVABLE')
        expect(refusal(changed(parts, [], [key]))).toContain('got none')
      } else {
        // llama.cpp takes the third one then.
        expect(() => check(beyond)).not.toThrow()
        expect(() => check(changed(parts, [], [key]))).not.toThrow()
      }
    },
  )

  test('is a number', () => {
    expect(refusal(changed(EMBEDDER, [text(key, '[UNK]')]))).toContain(
      'a number (u32), got "[UNK]"',
    )
  })

  test('is not needed where bytes are tokens', () => {
    expect(() => check(changed(CHAT, [number(key, 5000)]))).not.toThrow()
    expect(() => check(changed(BASE, [], [key]))).not.toThrow()
  })
})

describe('a map of characters', () => {
  const problem = (change: (map: Buffer) => Buffer) =>
    charsmapProblem(change(Buffer.from(CHARSMAP)))
  const withUnit = (at: number, value: number) => (map: Buffer) => {
    map.writeUInt32LE(value, 4 * (1 + at))
    return map
  }

  test('that leads nowhere else passes', () => {
    expect(problem((map) => map)).toBeUndefined()
    expect(problem(() => Buffer.of(0, 0, 0, 0, 0))).toBeUndefined()
  })

  test.each<[string, (map: Buffer) => Buffer, string]>([
    ['is too short', () => Buffer.of(1, 0), '0 bytes of 2'],
    ['is shorter than it says', (map) => map.subarray(0, 100), '1024 bytes of 100'],
    ['has no texts', (map) => map.subarray(0, 1028), '1024 bytes of 1028'],
    ['has a text without end', (map) => map.subarray(0, -1), 'one without'],
    ['begins outside', withUnit(0, 5000 << 10), 'a way to unit'],
    ['begins far outside', withUnit(0, 0xffff_fe00), 'a way to unit'],
    // The way goes 1, then by byte 0xEF to unit 0xEE.
    ['goes outside', withUnit(0xee, ((5000 << 10) | 0xef) >>> 0), 'a way to unit'],
    ['names a text outside', withUnit(4, 100), 'a text at byte 100 of 2'],
    ['is too long', () => Buffer.alloc((1 << 20) + 1), '1048577'],
  ])('that %s is refused', (_what, change, says) => {
    expect(problem(change)?.got).toContain(says)
  })

  test('is looked at in a file of unigrams, and must be of bytes', () => {
    const key = `${KEY}.precompiled_charsmap`
    const short = array(key, TYPES.u8, [Buffer.of(1, 0)], 2)
    expect(refusal(changed(POLYGLOT, [short]))).toContain(`"${key}": expected units and texts`)
    expect(refusal(changed(POLYGLOT, [texts(key, ['a'])]))).toContain('an array of u8 or i8')
    expect(() => check(changed(POLYGLOT, [], [key]))).not.toThrow()
  })
})

describe('the texts of a vocabulary', () => {
  const arrayBytes = (words: readonly Uint8Array[]) =>
    Buffer.concat(words.map((word) => ggufText(Buffer.from(word))))

  test('are the same ones as in a set of strings', () => {
    const word = fc.uint8Array({ maxLength: 3, min: 0, max: 3 })
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 200 }), (words) => {
        const found = new TokenTexts(arrayBytes(words), words.length, 10)
        const known = new Map<string, number>()
        let twice: { token: number; before: number } | undefined
        const seen = words.map((one) => Buffer.from(one).toString('latin1').split('\0')[0]!)
        for (const [token, text] of seen.entries()) {
          expect(Buffer.from(found.at(token)).toString('latin1')).toBe(text)
          const before = text === '' ? undefined : known.get(text)
          if (before !== undefined) twice ??= { token, before }
          else known.set(text, token)
        }
        expect(found.twice).toEqual(twice)
        expect(found.empty).toEqual([...seen.keys()].filter((token) => seen[token] === ''))
        // Those behind one that is there twice do not matter any more.
        for (const text of twice === undefined ? known.keys() : []) {
          expect(found.has(Buffer.from(text, 'latin1'))).toBe(text !== '')
        }
        expect(found.has(Buffer.of(9))).toBe(false)
      }),
    )
  })

  test('that are many stay many, and the first that is too long is told', () => {
    const words = Array.from({ length: 100_000 }, (_, at) => Buffer.from(`word ${at}`))
    const many = new TokenTexts(arrayBytes(words), words.length, 10)
    expect([many.twice, many.tooLong, many.empty]).toEqual([undefined, undefined, []])
    for (const [token, word] of words.entries()) {
      if (token % 997 === 0) expect(Buffer.from(many.at(token))).toEqual(word)
    }
    const again = new TokenTexts(arrayBytes([...words, words[77]!]), words.length + 1, 10)
    expect(again.twice).toEqual({ token: 100_000, before: 77 })
    expect(new TokenTexts(arrayBytes(words), words.length, 9).tooLong).toBe(10_000)
  })
})
