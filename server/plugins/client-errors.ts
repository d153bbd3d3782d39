import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { HttpError } from '../errors.ts'
import { HTTP_LIMITS } from './http-limits.ts'
import type { Metrics } from './metrics.ts'
import { answersUnderWay, blame } from './request-end.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

/** Told what is wrong. Data that still comes is not read, and each piece of it would be an error again. */
const told = new WeakSet<Duplex>()

/** What Node refuses before there is a request: still OpenAI's shape, and counted. */
export function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  metrics: Metrics,
): void {
  if (told.has(socket)) return
  const known = clientError(error.code)
  const answers = [...answersUnderWay(socket)]
  if (known.code === 'request_timeout') for (const raw of answers) blame(raw, known.code)
  // Within an answer there is no place for another one.
  const begun = answers.some((raw) => raw.headersSent)
  if (error.code === 'ECONNRESET' || !socket.writable || begun) {
    socket.destroy()
    return
  }
  tell(socket, known)
  if (answers.length === 0) count(metrics, known)
}

/** What Node would answer by itself: without a word, or not at all. */
export function registerClientErrors(app: FastifyInstance, metrics: Metrics): void {
  app.server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    tell(socket, NO_HTTP)
    count(metrics, NO_HTTP)
  })
  // Expectations that nobody knows may be passed over.
  app.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    app.server.emit('request', request, response),
  )
  app.addHook('onRequest', async ({ raw }) => {
    if (raw.headers.host !== undefined || raw.httpVersion !== '1.1') return
    const [expected, got, fix] = ['the header Host', 'none', 'send it']
    throw new HttpError('bad_request', { param: 'headers', expected, got, fix })
  })
}

function count({ requests }: Metrics, { status, code }: HttpError): void {
  requests.inc({ route: 'unknown', status: String(status), code })
}

function tell(socket: Duplex, error: HttpError): void {
  told.add(socket)
  const body = JSON.stringify(error.body)
  const headers = {
    ...SECURITY_HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.on('error', () => undefined)
  socket.end(`HTTP/1.1 ${error.status} Error\r\n${lines.join('')}\r\n${body}`)
  // Closed at once it would be reset where data still comes, and the client could not read why.
  setTimeout(() => socket.destroy(), HTTP_LIMITS.lingerMs).unref()
}

const NO_HTTP = new HttpError('bad_request', {
  ...{ expected: 'a request of HTTP/1.1', got: 'something else', fix: 'correct the request' },
})

function clientError(code: string | undefined): HttpError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    const expected = `headers of at most ${HTTP_LIMITS.headerBytes} bytes`
    const fix = 'send less in them'
    return new HttpError('headers_too_large', { param: 'headers', expected, got: 'more', fix })
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const [expected, got] = ['the whole request in time', 'a part of it']
    return new HttpError('request_timeout', { expected, got, fix: 'send it faster' })
  }
  return NO_HTTP
}
