import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HttpResponse } from './http-response.ts'

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
const HEAD = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n'
const STREAM =
  HEAD +
  chunk('data: {"text":"a"}\n\ndata: {"te') +
  chunk('xt":"b"}\n\n') +
  chunk('data: [DONE]\n\n') +
  '0\r\n\r\n'

test('events come out whole, however the bytes were cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(STREAM.length), { maxLength: 20 }).map((cuts) => cuts.sort((a, b) => a - b)),
      (cuts) => {
        const response = new HttpResponse()
        const events = [...cuts, STREAM.length].flatMap((end, index) =>
          response.push(STREAM.slice(cuts[index - 1] ?? 0, end)),
        )
        expect(events).toEqual(['{"text":"a"}', '{"text":"b"}', '[DONE]'])
        expect(response).toMatchObject({ status: 200, done: true, closes: false })
      },
    ),
  )
})

test('it is not done before the last chunk', () => {
  const response = new HttpResponse()
  response.push(STREAM.slice(0, -2))
  expect(response.done).toBe(false)
})

test('an error is read by its length, and that the connection ends is seen', () => {
  const response = new HttpResponse()
  const head = 'HTTP/1.1 429 Too Many Requests\r\nContent-Length: 9\r\nConnection: close\r\n\r\n'
  expect(response.push(`${head}{"error"`)).toEqual([])
  expect(response.done).toBe(false)
  response.push('}')
  expect(response).toMatchObject({ status: 429, done: true, closes: true, body: '{"error"}' })
})
