import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { EXAMPLES, exampleName } from '../../docs/reference/api-page.ts'
import { OPERATIONS } from '../../server/openai/openapi.ts'
import { PythonProcess } from './python-process.ts'
import type { Service } from './service.ts'

const SERVICES = { service: inject('service'), vectors: inject('vectors') }
type ServiceName = keyof typeof SERVICES

interface Example {
  /** Which service it is about. */
  of: ServiceName
  /** What the programs print of the answer that curl shows whole. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each answer has another shape
  print: (answer: any) => string
}

const EXPECTED: Readonly<Record<string, Example>> = {
  'post-v1-chat-completions': { of: 'service', print: ({ choices }) => choices[0].message.content },
  'post-v1-completions': { of: 'service', print: ({ choices }) => choices[0].text },
  'post-v1-responses': { of: 'service', print: ({ output }) => output[0].content[0].text },
  'post-v1-embeddings': {
    of: 'vectors',
    print: ({ data }) =>
      data.map(({ embedding }: { embedding: number[] }) => embedding.length).join('\n'),
  },
  'get-v1-models': {
    of: 'service',
    print: ({ data }) => data.map(({ id }: { id: string }) => id).join('\n'),
  },
  'get-v1-models-id': { of: 'service', print: ({ digest, licence }) => `${digest} ${licence}` },
  'post-tokenize': { of: 'service', print: ({ tokens }) => tokens.join(' ') },
  'post-detokenize': { of: 'service', print: ({ prompt }) => prompt },
  'get-tokenizer_info': { of: 'service', print: ({ vocab_size }) => `${vocab_size}` },
}

const python = {} as Record<ServiceName, PythonProcess>
beforeAll(async () => {
  for (const name of ['service', 'vectors'] as const) {
    python[name] = await PythonProcess.start('openai-3', SERVICES[name])
  }
})
afterAll(() => Object.values(python).forEach((each) => each.close()))

const file = (name: string, ending: string) => join(EXAMPLES, `${name}.${ending}`)

async function typescript(name: string, service: Service): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [file(name, 'ts')], {
    env: {
      PATH: process.env['PATH'],
      ...{ SERANTAU_BASE_URL: service.baseURL, SERANTAU_API_KEY: service.apiKey },
      SERANTAU_MODEL: service.model,
    },
  })
  return stdout
}

describe.each(OPERATIONS.map(exampleName))('%s', (name) => {
  test('curl shows the answer of which Python and TypeScript print the same', async () => {
    const { of, print } = EXPECTED[name]!
    const { stdout } = await python[of].sh([file(name, 'sh')])
    const shown = print(JSON.parse(stdout)).trim()
    expect(shown).toMatch(/[\w\d]/)
    expect((await python[of].run([file(name, 'py')])).stdout.trim()).toBe(shown)
    expect((await typescript(name, SERVICES[of])).trim()).toBe(shown)
  })
})
