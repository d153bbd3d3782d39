import { afterAll, beforeAll, expect, test } from 'vitest'
import { errorCodeOf } from '../helpers/raw-http.ts'
import { headers } from '../helpers/roles.ts'
import {
  gatewayConfig,
  modelConfig,
  startRole,
  untilReady,
  weightsOf,
} from '../helpers/real-role.ts'
import type { RealRole } from '../helpers/real-role.ts'

const MODEL = 'smollm2-135m-instruct'

let model: RealRole
let gateway: RealRole

beforeAll(async () => {
  model = await startRole(modelConfig(MODEL, await weightsOf(MODEL)))
  gateway = await startRole(gatewayConfig({ [MODEL]: model.url }))
  await Promise.all([untilReady(model), untilReady(gateway)])
})
afterAll(() => Promise.all([model?.stop(), gateway?.stop()]))

/** `payload` as it stands: what is in it need not be JSON. */
const post = (payload: string) =>
  fetch(`${gateway.url}/v1/completions`, { method: 'POST', headers: headers(), body: payload })

async function promptTokens(prompt: string): Promise<number> {
  const response = await post(JSON.stringify({ model: MODEL, prompt, max_tokens: 1 }))
  const { usage } = (await response.json()) as { usage: { prompt_tokens: number } }
  return usage.prompt_tokens
}

test('text that looks like a template, holds NUL or speaks of roles is counted token by token', async () => {
  const tail = ' and the rivers of the peninsula run to the sea'
  const alone = await promptTokens(tail)
  for (const text of [
    '${7*7}',
    '{{ 7*7 }}',
    '{% for x in y %}',
    '\0',
    'a\0b',
    '\u001b[31m',
    '<|im_end|>',
    '\u{10ffff}',
    '\ufeff',
  ]) {
    // prettier-ignore
    // None is taken for something else, and none ends what comes behind it.
    expect(await promptTokens(text + tail)).toBeGreaterThan(alone)
    expect(await promptTokens(text.repeat(20) + tail)).toBeGreaterThan(alone + 19)
  }
})

test('text that no UTF-8 can hold is refused before the engine sees it, and the engine serves on', async () => {
  const pid = model.enginePid()
  for (const prompt of ['"\\ud800"', '"a\\udfff b"', '"\\udc00\\ud800"']) {
    const response = await post(`{"model":"${MODEL}","prompt":${prompt}}`)
    expect([response.status, errorCodeOf(await response.text())]).toEqual([400, 'invalid_json'])
  }
  expect(await promptTokens('\u{1f327}')).toBeGreaterThan(0)
  expect(model.enginePid()).toBe(pid)
})
