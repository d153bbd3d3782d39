/** What went wrong in servers like this one; docs/reference/published-failures.md has the whole list. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { KeyStore } from '../../server/plugins/keys.ts'
import { connectTo, errorCodeOf, rawPost, responsesIn } from '../helpers/raw-http.ts'
import { API_KEY, chatBody, gatewayRole, headers, MODEL, modelRole } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

const roles: TestRole[] = []
afterEach(async () => {
  for (const role of roles.splice(0)) await role.close()
})

function kept(role: TestRole): TestRole {
  roles.push(role)
  return role
}

const open = () => kept(modelRole({ model: { contextSize: 4096 } }))

const post = (role: TestRole, body: object, more: Record<string, string> = {}) =>
  role.app.inject({
    ...{ method: 'POST', url: '/v1/chat/completions', headers: { ...headers(), ...more } },
    payload: JSON.stringify(body),
  })

const asUser = (content: unknown) => chatBody({ messages: [{ role: 'user', content }] })

describe('a content type that a validator does not know passes nothing by it (CVE-2025-32442, CVE-2026-25223, CVE-2026-3419, CVE-2026-33806)', () => {
  /** Right for one reader of the header or another. */
  const around = fc.constantFrom('', ' ', '\t', ';', ' ;', '; ', ',', '\u00a0', '/', 'x', '"')
  const type = fc.constantFrom(
    'application/json',
    'APPLICATION/JSON',
    'application/JsOn',
    'text/json',
  )
  const parameter = fc.constantFrom('', 'charset=utf-8', ';charset=utf-8', 'charset=utf-7', 'a')
  const header = fc
    .tuple(around, type, around, around, parameter, around)
    .map((parts) => parts.join(''))

  test('over the wire, whatever stands around it: a wrong body is refused, and reaches no engine', async () => {
    const role = open()
    const url = await role.app.listen({ host: '127.0.0.1', port: 0 })
    await fc.assert(
      fc.asyncProperty(header, async (contentType) => {
        const client = connectTo(url)
        const more = { 'content-type': contentType, connection: 'close' }
        client.socket.write(Buffer.from(rawPost({ model: MODEL, messages: 7 }, more), 'latin1'))
        const [answer] = responsesIn(await client.closed)
        expect([400, 415]).toContain(answer?.status)
        errorCodeOf(answer?.body ?? '')
      }),
      { numRuns: 300 },
    )
    expect(role.engine.requests).toEqual([])
  })
})

test('a name of a model is a key into a list, never a path (CVE-2024-37032, CVE-2026-7020, CVE-2024-5182)', async () => {
  const role = open()
  const step = fc.constantFrom(
    '..',
    '.',
    '/',
    '\\',
    '%2e%2e',
    '%2f',
    '\0',
    'C:',
    '~',
    MODEL,
    'gguf',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const model = steps.join('')
      fc.pre(model !== MODEL)
      const asked = await post(role, chatBody({ model }))
      expect([asked.statusCode, errorCodeOf(asked.body)]).toEqual([404, 'model_not_found'])
      const url = `/v1/models/${encodeURIComponent(model)}`
      const found = await role.app.inject({ url, headers: headers() })
      expect(found.statusCode).toBe(404)
    }),
    { numRuns: 200 },
  )
  expect(role.engine.requests).toEqual([])
})

test('an address in a request is never asked (CVE-2025-6242, CVE-2026-24779)', async () => {
  let asked = 0
  const target = createServer((_request, response) => {
    asked++
    response.end()
  })
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/a.png`
  const role = open()
  for (const part of [
    { type: 'image_url', image_url: { url } },
    { type: 'input_audio', input_audio: { data: url } },
    { type: 'file', file: { file_data: url } },
    { type: 'video_url', video_url: { url: `http://allowed\\@${url.slice(7)}` } },
  ]) {
    expect((await post(role, asUser([part]))).statusCode).toBe(400)
  }
  for (const name of ['chat_template', 'model', 'lora', 'url']) {
    await post(role, chatBody({ [name]: url }))
  }
  expect(asked).toBe(0)
  await new Promise((resolve) => target.close(resolve))
})

test('a grammar, template or cache salt of a client reaches no engine (llama.cpp #26600, CVE-2024-34359, Megatron #6818, CVE-2025-46570)', async () => {
  const role = open()
  const mark = 'marked-by-the-client'
  for (const name of [
    'grammar',
    'guided_grammar',
    'guided_regex',
    'structural_tag',
    'chat_template',
    'cache_salt',
    'prompt_cache_key',
    'lora',
    'lora_path',
    'slot_id',
    'id_slot',
    'n_discard',
    'kv_transfer_params',
    'mm_processor_kwargs',
    'logits_processors',
    'adapter',
    'tenant',
  ]) {
    // prettier-ignore
    await post(role, chatBody({ [name]: mark }))
    await post(role, chatBody({ [name]: { [mark]: mark } }))
  }
  const { requests, chats } = role.engine
  expect(JSON.stringify([requests, chats])).not.toContain(mark)
})

test('no number breaks anything: negative, huge and broken ones are refused or harmless (CVE-2026-21869)', async () => {
  const role = open()
  const number = fc.oneof(
    fc.constantFrom(
      -1,
      -0,
      0.5,
      2 ** 31,
      -(2 ** 31),
      2 ** 32,
      2 ** 53,
      -(2 ** 63),
      1e308,
      -1e308,
      5e-324,
    ),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  )
  const field = fc.constantFrom('max_tokens', 'max_completion_tokens', 'seed', 'temperature', 'top_p',
    'n', 'n_discard', 'n_keep', 'n_predict', 'id_slot', 'top_k', 'min_p', 'presence_penalty', 'logit_bias') // prettier-ignore
  await fc.assert(
    fc.asyncProperty(field, number, async (name, value) => {
      const response = await post(role, chatBody({ [name]: value }))
      // More answers than may wait are too many just now.
      expect(name === 'n' ? [200, 400, 429] : [200, 400]).toContain(response.statusCode)
      if (response.statusCode !== 200) errorCodeOf(response.body)
    }),
    { numRuns: 500 },
  )
  for (const { maxTokens, temperature, topP } of role.engine.requests) {
    expect(maxTokens).toBeGreaterThanOrEqual(1)
    expect(maxTokens).toBeLessThan(4096)
    expect(temperature).toBeGreaterThanOrEqual(0)
    expect(topP).toBeLessThanOrEqual(1)
  }
})

test('text that looks like a template is text, at any place (llama.cpp #22900, GHSA-46cm-pfwv-cgf8)', async () => {
  const role = open()
  const piece = fc.constantFrom(
    '${',
    '}',
    '{{',
    '}}',
    '{%',
    '%}',
    '{#',
    '7*7',
    ' ',
    'a',
    '\n',
    '\\',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 40 }), async (pieces) => {
      const content = `a${pieces.join('')}`
      role.engine.chats.length = 0
      expect((await post(role, asUser(content))).statusCode).toBe(200)
      expect(role.engine.chats[0]?.messages).toEqual([{ role: 'user', content }])
    }),
    { numRuns: 200 },
  )
})

test('who says that it comes from elsewhere is nobody else for it (CVE-2026-3635)', async () => {
  const role = open()
  const from = '203.0.113.77'
  const spoofed = { 'x-forwarded-for': from, 'x-forwarded-host': from, 'x-forwarded-proto': 'https', forwarded: `for=${from}`, 'x-real-ip': from } // prettier-ignore
  const keyless = await role.app.inject({ url: '/v1/models', headers: spoofed })
  expect(keyless.statusCode).toBe(401)
  expect((await post(role, chatBody(), spoofed)).statusCode).toBe(200)
  expect(role.logged()).not.toContain(from)
})

test('looking for a key takes all of them, and compares digests of one length (CVE-2025-59425, CVE-2024-7010)', () => {
  const { keys } = open()
  // Times differ by less than they err; so its text is asked.
  const text = KeyStore.prototype.find.toString()
  expect(text).toMatch(/timingSafeEqual\)?\(key\.hash, hash\)/)
  expect(text).not.toMatch(/break|\.find\(|\.some\(|===|return [^f]/)
  for (const key of ['', 'a', 'x'.repeat(10_000), '\0', API_KEY]) {
    expect(keys.find(key)?.name).toBe(key === API_KEY ? 'first' : undefined)
  }
})

test('a header of any size ends at the limit, in either role (CVE-2025-48956)', async () => {
  for (const role of [open(), kept(gatewayRole('http://127.0.0.1:1'))]) {
    const client = connectTo(await role.app.listen({ host: '127.0.0.1', port: 0 }))
    client.socket.write(`GET /v1/models HTTP/1.1\r\nhost: a\r\nx-a: ${'a'.repeat(5_000_000)}`)
    const [answer] = responsesIn(await client.closed)
    expect([answer?.status, errorCodeOf(answer?.body ?? '')]).toEqual([431, 'headers_too_large'])
  }
})

test('a prompt is never cut to what fits: one token too many is refused (node-llama-cpp #129, its contextShift)', async () => {
  const role = open()
  const words = (count: number) => asUser('w '.repeat(count))
  expect((await post(role, words(4095))).statusCode).toBe(200)
  const refused = await post(role, words(4096))
  expect(errorCodeOf(refused.body)).toBe('context_length_exceeded')
  expect(role.engine.requests.map(({ prompt }) => prompt.length)).toEqual([4095])
})
