/**
 * Beside every test: each HTTP request of this process is noted, and after the last test of a file the list
 * may hold nothing but the services.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import { afterAll, beforeAll, expect, inject } from 'vitest'

const asked = new Set<string>()

const ofFetch = (message: unknown) => {
  const { request } = message as { request: { origin: string | URL } }
  asked.add(new URL(request.origin).origin)
}
const ofHttp = (message: unknown) => {
  const { request } = message as { request: ClientRequest }
  asked.add(
    new URL(`${request.protocol}//${String(request.getHeader('host') ?? request.host)}`).origin,
  )
}

beforeAll(() => {
  subscribe('undici:request:create', ofFetch)
  subscribe('http.client.request.start', ofHttp)
})
afterAll(() => {
  unsubscribe('undici:request:create', ofFetch)
  unsubscribe('http.client.request.start', ofHttp)
  const ours = [inject('service'), inject('vectors')].map(({ baseURL }) => new URL(baseURL).origin)
  expect([...asked].filter((other) => !ours.includes(other))).toEqual([])
})
