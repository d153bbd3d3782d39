import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MockAgent } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fetchOverHttps } from '../../weights/https-source.ts'

const BODY = Buffer.from('0123456789'.repeat(10))
let folder: string
let agent: MockAgent
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serantau-https-'))
  agent = new MockAgent()
  agent.disableNetConnect()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (
  path: string,
  headers: Record<string, string> = {},
  origin = 'https://mirror.example',
) => agent.get(origin).intercept({ path, method: 'GET', headers })

async function download(bytes = BODY.length): Promise<Buffer> {
  const path = join(folder, 'file')
  const url = 'https://mirror.example/file'
  await fetchOverHttps({ url, bytes }, path, () => undefined, agent)
  return readFileSync(path)
}

test('a body is written as it is', async () => {
  at('/file').reply(200, BODY)
  expect(await download()).toEqual(BODY)
})

test('a body that ends early goes on where it ended', async () => {
  at('/file').reply(200, BODY.subarray(0, 40))
  at('/file', { range: 'bytes=40-' }).reply(206, BODY.subarray(40))
  expect(await download()).toEqual(BODY)
})

test('a source that cannot resume is read from the beginning', async () => {
  at('/file').reply(200, BODY.subarray(0, 40))
  at('/file', { range: 'bytes=40-' }).reply(200, BODY)
  expect(await download()).toEqual(BODY)
})

test('a redirect within https is followed, also to another host', async () => {
  at('/file').reply(302, '', { headers: { location: 'https://cdn.example/blob' } })
  at('/blob', {}, 'https://cdn.example').reply(200, BODY)
  expect(await download()).toEqual(BODY)
})

test.each(['http://mirror.example/file', 'http://169.254.169.254/', 'file:///etc/passwd'])(
  'a redirect to %s is refused',
  async (location) => {
    at('/file').reply(302, '', { headers: { location } })
    await expect(download()).rejects.toThrow('leads away from https')
  },
)

test('redirects without end are refused', async () => {
  at('/file')
    .reply(302, '', { headers: { location: '/file' } })
    .persist()
  await expect(download()).rejects.toThrow('more than 5 times')
})

test('a longer body is cut off', async () => {
  at('/file').reply(200, BODY)
  await expect(download(50)).rejects.toThrow('more than 50 bytes')
})

test('a refusal is not asked again', async () => {
  at('/file').reply(404, 'no')
  await expect(download()).rejects.toThrow('answered 404')
})
