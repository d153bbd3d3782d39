import { MockAgent } from 'undici'
import { beforeEach, expect, test } from 'vitest'
import { shapeOf } from '../../weights/gguf/model-shape.ts'
import { readGguf } from '../../weights/gguf/read-gguf.ts'
import { withRemoteHeader } from '../../weights/remote-header.ts'
import { ggufFile, texts } from '../helpers/small-gguf.ts'
import { CHAT, changed } from '../helpers/small-models.ts'

const ORIGIN = 'https://mirror.example'
const MEBIBYTE = 2 ** 20
let agent: MockAgent
let asked: string[]
beforeEach(() => {
  agent = new MockAgent()
  agent.disableNetConnect()
  asked = []
})

/** A server that answers ranges of `file`; `lie` changes an answer. */
function serve(file: Buffer, lie: (answer: Answer) => Partial<Answer> = () => ({})): void {
  agent
    .get(ORIGIN)
    .intercept({ path: '/model.gguf', method: 'GET' })
    .reply(({ headers }) => {
      const range = (headers as Record<string, string>)['range'] ?? ''
      asked.push(range)
      const [from = 0, to = 0] = /(\d+)-(\d+)/.exec(range)?.slice(1).map(Number) ?? []
      const part = file.subarray(from, to + 1)
      const honest = {
        ...{ status: 206, body: part },
        range: `bytes ${from}-${from + part.length - 1}/${file.length}`,
      }
      const { status, body, range: told } = { ...honest, ...lie(honest) }
      const said = told === undefined ? {} : { 'content-range': told }
      return { statusCode: status, data: body, responseOptions: { headers: said } }
    })
    .persist()
}
interface Answer {
  status: number
  body: Buffer
  range: string | undefined
}

const heads = () =>
  withRemoteHeader(
    `${ORIGIN}/model.gguf`,
    (source) => shapeOf(readGguf(source, 'model.gguf'), source).heads,
    agent,
  )

test('a header is read from the first bytes of a file', async () => {
  serve(ggufFile(CHAT))
  expect(await heads()).toBe(4)
  expect(asked).toEqual([`bytes=0-${MEBIBYTE - 1}`])
})

test('a long header is fetched in parts, each byte once', async () => {
  const long = texts(
    'general.tags',
    Array.from({ length: 3 }, () => 'x'.repeat(MEBIBYTE)),
  )
  serve(ggufFile(changed(CHAT, [long])))
  expect(await heads()).toBe(4)
  const bounds = asked.map((range) => /(\d+)-(\d+)/.exec(range)!.slice(1).map(Number))
  expect(bounds[0]).toEqual([0, MEBIBYTE - 1])
  expect(bounds.length).toBeGreaterThan(1)
  bounds.slice(1).forEach(([from], at) => expect(from).toBe(bounds[at]![1]! + 1))
})

test.each<[string, (answer: Answer) => Partial<Answer>, string]>([
  ['ignores ranges', () => ({ status: 200 }), 'ignores ranges'],
  ['has no such file', () => ({ status: 404 }), 'status 404'],
  ['tells no size', () => ({ range: undefined }), 'Content-Range'],
  ['tells an endless size', () => ({ range: 'bytes 0-9/*' }), 'Content-Range'],
  ['sends less than it says', ({ body }) => ({ body: body.subarray(0, 100) }), 'got 100'],
  [
    'sends more than was asked for',
    ({ body }) => ({ body: Buffer.concat([body, Buffer.alloc(2 * MEBIBYTE)]) }),
    'more than were asked for',
  ],
])('a server that %s is refused', async (_, lie, why) => {
  serve(ggufFile(CHAT), lie)
  const refused = { code: 'WEIGHTS_UNAVAILABLE', message: expect.stringContaining(why) }
  await expect(heads()).rejects.toMatchObject(refused)
})

test('what is wrong with the header is told as of a file on the disk', async () => {
  const damaged = Buffer.from(ggufFile(CHAT))
  damaged.write('GGML', 0)
  serve(damaged)
  await expect(heads()).rejects.toMatchObject({ code: 'WEIGHTS_CORRUPT' })
})

test('a plain http URL is refused before anything is asked', async () => {
  const plain = withRemoteHeader('http://mirror.example/model.gguf', () => 0, agent)
  await expect(plain).rejects.toMatchObject({ code: 'WEIGHTS_UNAVAILABLE' })
})
