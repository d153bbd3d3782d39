import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a push needs of a container registry, in memory. Speaks HTTP: clients must be told so. */
export class MemoryRegistry {
  readonly manifests = new Map<string, Buffer>()
  readonly blobs = new Map<string, Buffer>()
  readonly #uploads = new Map<string, Buffer[]>()
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })

  /** Resolves with `127.0.0.1:port`. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://registry')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const last = pathname.split('/').at(-1) ?? ''
    if (pathname === '/v2/') return void response.writeHead(200).end()
    if (pathname.includes('/blobs/uploads/')) {
      const id = request.method === 'POST' ? randomUUID() : last
      const parts = this.#uploads.get(id) ?? []
      this.#uploads.set(id, [...parts, body])
      const digest = searchParams.get('digest')
      if (request.method === 'PUT' && digest) {
        this.blobs.set(digest, Buffer.concat([...parts, body]))
        return void response.writeHead(201, { 'docker-content-digest': digest }).end()
      }
      const location = `${pathname.slice(0, pathname.indexOf('/uploads/'))}/uploads/${id}`
      return void response.writeHead(202, { location, range: '0-0' }).end()
    }
    if (request.method === 'PUT' && pathname.includes('/manifests/')) {
      const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`
      this.manifests.set(digest, body)
      return void response.writeHead(201, { 'docker-content-digest': digest }).end()
    }
    const known = this.blobs.get(last) ?? this.manifests.get(last)
    if (!known) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-length': known.length })
    response.end(request.method === 'HEAD' ? undefined : known)
  }
}
