import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Connection } from './client.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** Calls `answer` with each request's connection and the number of requests so far. */
async function serve(answer: (socket: Socket, count: number) => void): Promise<Connection> {
  let count = 0
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => answer(socket, ++count))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return new Connection({ port, key: undefined, model: 'm' })
}

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
const HEAD = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
const TEXT = chunk('data: {"choices":[{"text":"a"}]}\n\n')
const usage = (prompt: number, completion: number) =>
  chunk(
    `data: ${JSON.stringify({
      choices: [],
      usage: { prompt_tokens: prompt, completion_tokens: completion },
    })}\n\n`,
  )
const WHOLE = HEAD + TEXT + TEXT + usage(3, 2) + '0\r\n\r\n'
const ASK = { prompt: [1, 2, 3], maxTokens: 2 }

test('counts texts and tokens, and asks again over the same connection', async () => {
  const sockets = new Set<Socket>()
  const connection = await serve((socket) => {
    sockets.add(socket)
    socket.write(WHOLE)
  })
  for (const answer of [await connection.complete(ASK), await connection.complete(ASK)]) {
    expect(answer).toMatchObject({ status: 200, completionTokens: 2, resets: 0, error: '' })
    expect(answer.eventsAt).toHaveLength(2)
  }
  expect(sockets.size).toBe(1)
  connection.close()
})

test('a connection that was reset before the first byte is tried again and counted', async () => {
  const connection = await serve((socket, count) => {
    if (count <= 2) socket.resetAndDestroy()
    else socket.write(WHOLE)
  })
  expect(await connection.complete(ASK)).toMatchObject({ status: 200, resets: 2 })
  connection.close()
})

test('an answer that breaks off is no answer, and is not tried again', async () => {
  let asked = 0
  const connection = await serve((socket) => {
    asked++
    socket.write(HEAD + TEXT, () => socket.destroy())
  })
  expect((await connection.complete(ASK)).status).toBe(0)
  expect(asked).toBe(1)
})

test('a connection that the server ended while idle is opened anew', async () => {
  const connection = await serve((socket) => socket.end(WHOLE))
  expect((await connection.complete(ASK)).status).toBe(200)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect((await connection.complete(ASK)).status).toBe(200)
  connection.close()
})

test('another number of prompt tokens than were sent stops the measurement', async () => {
  const connection = await serve((socket) => socket.write(HEAD + usage(4, 2) + '0\r\n\r\n'))
  await expect(connection.complete(ASK)).rejects.toThrow('sent 3 prompt tokens, evaluated 4')
  connection.close()
})

test('an answer of another length counts as an error', async () => {
  const connection = await serve((socket) => socket.write(HEAD + usage(3, 1) + '0\r\n\r\n'))
  expect((await connection.complete(ASK)).error).not.toBe('')
  connection.close()
})

test('a client that leaves after its texts leaves the connection', async () => {
  let left: Promise<unknown> = Promise.resolve()
  const connection = await serve((socket) => {
    left = new Promise((resolve) => socket.once('close', resolve))
    socket.write(HEAD + TEXT)
  })
  const answer = await connection.complete({ ...ASK, abandonAfter: 1 })
  expect(answer).toMatchObject({ status: 0 })
  await left
})
