import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HttpError } from '../../server/errors.ts'
import { parseJson } from '../../server/plugins/json-body.ts'

const parse = (text: string) => parseJson(Buffer.from(text))

function refusal(body: Buffer | string): HttpError {
  try {
    parseJson(Buffer.from(body as string))
  } catch (error) {
    return error as HttpError
  }
  throw new Error('it was taken')
}

test('whatever JSON.stringify writes is read as JSON.parse reads it', () => {
  const text = fc.json({ stringUnit: 'binary' }).filter((json) => !json.includes('__proto__'))
  fc.assert(
    fc.property(text, (json) => {
      expect(parse(json)).toEqual(JSON.parse(json))
    }),
    { numRuns: 500 },
  )
})

describe('a body is refused with a typed 400', () => {
  test.each([
    ['of no bytes', '', 'an empty body'],
    ['that is cut off', '{"model":"a', 'text that is not JSON'],
    ['with a byte order mark', '\ufeff{}', 'text that is not JSON'],
    ['with a NUL behind it', '{}\0', 'text that is not JSON'],
    ['with a raw line break in a string', '{"a":"\n"}', 'text that is not JSON'],
    ['with a key twice', '{"a":1,"a":1}', 'another one at character 7'],
    ['with a key twice, deep in it', '[{"b":{"a":[1],"c":{}, "a" : 1}}]', 'another one'],
    ['with a key twice, once escaped', '{"model":1,"mod\\u0065l":2}', 'another one'],
    ['with an empty key twice', '{"":1,"":2}', 'another one'],
    ['with the key __proto__', '{"a":{"__proto__":{"b":1}}}', '"__proto__"'],
    ['with an escaped __proto__', '{"\\u005f_proto__":1}', '"__proto__"'],
    ['with a lone high surrogate', '{"a":"\\ud83d"}', 'surrogate'],
    ['with a lone low surrogate', '{"a":["x\\uDE00"]}', 'surrogate'],
    ['with surrogates in the wrong order', '{"a":"\\ude00\\ud83d"}', 'surrogate'],
    ['with a lone surrogate in a key', '{"\\ud83d":1}', 'surrogate'],
    ['that is nested too deeply', `${'['.repeat(129)}${']'.repeat(129)}`, 'at most 128'],
    [
      'that is nested as deeply as a body is long',
      `${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}`,
      'at most 128',
    ],
  ])('%s', (_name, body, says) => {
    const { code, status, param, message } = refusal(body)
    expect([code, status, param]).toEqual(['invalid_json', 400, 'body'])
    expect(message).toContain(says)
  })

  test.each([
    ['a byte that begins nothing', [0xff]],
    ['a character that is cut off', [0xe2, 0x82]],
    ['a character that is longer than it need be', [0xc0, 0xaf]],
    ['a surrogate in UTF-8', [0xed, 0xa0, 0x80]],
    ['a character beyond the last one', [0xf4, 0x90, 0x80, 0x80]],
  ])('with %s', (_name, bytes) => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')])
    expect(refusal(body).message).toContain('text in UTF-8')
  })
})

test.each([
  ['one key in several objects', '{"a":{"a":1},"b":[{"a":1},{"a":2}]}'],
  ['strings that look like keys', '{"a":"\\"a\\":1","b":["a","a","a"]}'],
  ['escaped backslashes before quotes', '{"a\\\\":"\\\\","a":"\\\\\\""}'],
  ['NUL and other control characters as escapes', '{"a":"\\u0000\\u001b"}'],
  ['both halves of a pair', '{"a":"\\ud83d\\ude00"}'],
  ['an escaped backslash before what looks like half of a pair', '{"a":"\\\\ud83d"}'],
  ['names that are methods of every object', '{"constructor":1,"prototype":2,"toString":3}'],
  ['the word __proto__ as text', '{"a":"__proto__"}'],
  ['128 levels', `${'['.repeat(128)}${']'.repeat(128)}`],
])('taken as it is: %s', (_name, text) => {
  expect(parse(text)).toEqual(JSON.parse(text))
})

test('a key that is written twice is found wherever it stands', () => {
  const keys = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 8 })
  fc.assert(
    fc.property(keys, fc.nat(), fc.json(), (names, at, value) => {
      const plain = names.filter((name) => name !== '__proto__')
      const twice = [...plain, plain[at % plain.length]!]
      const text = `{${twice.map((name) => `${JSON.stringify(name)}: ${value}`).join(' ,')}}`
      expect(refusal(text).code).toBe('invalid_json')
    }),
  )
})

test('a body of the largest size is read within a fraction of a second, whatever it is made of', () => {
  const MOST = 1_048_576
  const pieces = ['[1],', '{"a":1},', '"\\"\\\\",', '"\\u0041",', '"\\ud83d\\ude00",', 'null,']
  for (const piece of pieces) {
    const text = `[${piece.repeat(MOST / piece.length - 1)}0]`
    const began = performance.now()
    parse(text)
    expect(performance.now() - began).toBeLessThan(2000)
  }
})
