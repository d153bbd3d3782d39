import { truncateSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
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
  const folder = mkdtempSync(join(tmpdir(), 'serantau-short-'))
  const short = join(folder, 'short.gguf')
  copyFileSync(await weightsOf(CHAT), short)
  truncateSync(short, 50_000_000)
  const role = await startRole(modelConfig(CHAT, short))
  try {
    const cause = async () => await (await fetch(`${role.url}/health/ready`)).text()
    await until(async () => (await cause().catch(() => '')).includes('WEIGHTS_CORRUPT'), 'named')
    expect((await fetch(`${role.url}/health/live`)).status).toBe(200)
    // What it logs comes by a pipe, later than what it answers.
    await until(() => role.logged().includes('50000000 bytes'), 'logged')
  } finally {
    await role.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})
