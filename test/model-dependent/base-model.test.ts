import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { API_KEY, until } from '../helpers/roles.ts'
import {
  gatewayConfig,
  modelConfig,
  startRole,
  untilReady,
  weightsOf,
} from '../helpers/real-role.ts'
import type { RealRole } from '../helpers/real-role.ts'

const BASE = 'gemma-3-270m'
const CHAT = 'smollm2-135m-instruct'

test('a base model beside the first: completions work, chat is a typed 400, one endpoint serves both', async () => {
  const base = await startRole(modelConfig(BASE, await weightsOf(BASE), { slots: 2 }))
  const chat = await startRole(modelConfig(CHAT, await weightsOf(CHAT), { slots: 2 }))
  const gateway = await startRole(gatewayConfig({ [BASE]: base.url, [CHAT]: chat.url }))
  try {
    await Promise.all([base, chat, gateway].map(untilReady))
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: API_KEY, maxRetries: 0 })
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual([BASE, CHAT])
    const prompt = 'The capital of France is'
    const wanted = { model: BASE, prompt, temperature: 0, max_tokens: 8 }
    const completion = await client.completions.create(wanted)
    expect(completion.choices[0]?.text).not.toBe('')
    const messages = [{ role: 'user' as const, content: 'hi' }]
    await expect(client.chat.completions.create({ model: BASE, messages })).rejects.toMatchObject({
      ...{ status: 400, code: 'chat_not_supported', param: 'model' },
    })
    const answer = await client.chat.completions.create({ model: CHAT, messages, max_tokens: 4 })
    expect(answer.choices[0]?.message.content).not.toBe('')
  } finally {
    await Promise.all([base, chat, gateway].map((role) => role.stop()))
  }
})

test('a file of the wrong size is never loaded: not ready, the cause named, the process alive', async () => {
  const { cause, logged, live } = await notReady((file) => truncateSync(file, 50_000_000))
  expect(cause).toContain('WEIGHTS_CORRUPT')
  expect(logged).toContain('50000000 bytes')
  expect(live).toBe(200)
})

test('a file without a vocabulary is not servable, by that name', async () => {
  const { cause, logged, live } = await notReady((file) => rename(file, 'tokenizer.ggml.tokens'))
  expect(cause).toContain('WEIGHTS_NOT_SERVABLE')
  expect(logged).toContain('tokenizer.ggml.tokens')
  expect(live).toBe(200)
})

test('metadata whose lengths go beyond the file are named, with the byte', async () => {
  const { cause, logged, live } = await notReady((file) => {
    const { content, at } = find(file, 'tokenizer.ggml.tokens')
    // The key, its type, the type of its elements, then their number.
    content.writeUInt32LE(0xffff_ffff, at + 'tokenizer.ggml.tokens'.length + 8)
    writeFileSync(file, content)
  })
  expect(cause).toContain('WEIGHTS_CORRUPT')
  expect(logged).toMatch(/byte \d+/)
  expect(live).toBe(200)
})

test('a file without a chat template completes prompts, and chat is a typed 400', async () => {
  await withFile(
    (file) => rename(file, 'tokenizer.chat_template'),
    async (role) => {
      await untilReady(role)
      await completesButChatIs(role, 'whose file has none')
    },
  )
})

test('a file whose chat template is broken completes prompts, chat is a typed 400, the log has the fix', async () => {
  await withFile(
    (file) => {
      const { content, at } = find(file, 'tokenizer.chat_template')
      // The first statement is an expression now, which its closing brace does not end.
      content.write('{{', content.indexOf('{%', at), 'latin1')
      writeFileSync(file, content)
    },
    async (role) => {
      await untilReady(role)
      await completesButChatIs(role, 'whose file has a broken one')
      const warned = () => role.logged().includes('"event":"chat_template_unusable"')
      await until(warned, 'warned')
      expect(role.logged()).toMatch(/not_parsed.*tokenizer\.chat_template.*"fix":"choose a file/)
    },
  )
})

/** Prompts are completed; chat is a 400 that says `got`. */
async function completesButChatIs({ url }: { url: string }, got: string): Promise<void> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: API_KEY, maxRetries: 0 })
  const short = { model: CHAT, max_tokens: 4 }
  const completion = await client.completions.create({ ...short, prompt: 'One, two,' })
  expect(completion.choices[0]?.text).not.toBe('')
  const messages = [{ role: 'user' as const, content: 'hi' }]
  await expect(client.chat.completions.create({ ...short, messages })).rejects.toMatchObject({
    ...{ status: 400, code: 'chat_not_supported', param: 'model' },
    message: expect.stringContaining(got),
  })
}

/** What the role says of a file that it must refuse. */
async function notReady(damage: (file: string) => void) {
  return await withFile(damage, async (role) => {
    const ready = async () => await (await fetch(`${role.url}/health/ready`)).text()
    const named = async () => /[A-Z]+_[A-Z_]+/.test(await ready().catch(() => ''))
    await until(named, 'named', 60_000)
    // What it logs comes by a pipe, later than what it answers.
    await until(() => role.logged().includes('"event":"engine_load_failed"'), 'logged')
    const live = (await fetch(`${role.url}/health/live`)).status
    return { cause: await ready(), logged: role.logged(), live }
  })
}

async function withFile<Result>(
  damage: (file: string) => void,
  work: (role: RealRole) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'serantau-damaged-'))
  const file = join(folder, 'damaged.gguf')
  copyFileSync(await weightsOf(CHAT), file)
  damage(file)
  const role = await startRole(modelConfig(CHAT, file))
  try {
    return await work(role)
  } finally {
    await role.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The key of another program, of the same length: nobody finds the value. */
function rename(file: string, key: string): void {
  const { content, at } = find(file, key)
  content.write('x', at + key.length - 1, 'latin1')
  writeFileSync(file, content)
}

function find(file: string, key: string): { content: Buffer; at: number } {
  const content = readFileSync(file)
  const at = content.indexOf(key)
  if (at < 0) throw new Error(`no ${key} in ${file}`)
  return { content, at }
}
