import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubernetesApi } from '../../server/gateway/scaling/kubernetes-api.ts'

type Json = Record<string, unknown>

interface Stored {
  metadata: Json & { resourceVersion: string }
  spec: Json
}

const TOKEN = 'token-of-the-account'

/**
 * As much of an API server as scaling asks for, over a real socket: objects by path, merge patches,
 * `resourceVersion` and its 409, and the token.
 */
export class FakeKubernetes {
  readonly #objects = new Map<string, Stored>()
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  readonly #folder = mkdtempSync(join(tmpdir(), 'serantau-account-'))
  #version = 1
  /** Answers every request with this status. */
  failWith: number | undefined
  /** Called before a PATCH is applied: another writer may be faster. */
  beforePatch: (path: string) => void = () => {}
  readonly asked: string[] = []

  static async start(): Promise<FakeKubernetes> {
    const fake = new FakeKubernetes()
    writeFileSync(join(fake.#folder, 'token'), `${TOKEN}\n`)
    writeFileSync(join(fake.#folder, 'namespace'), 'ai')
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve))
    fake.put(LEASE, {})
    return fake
  }

  api(): KubernetesApi {
    const { port } = this.#server.address() as AddressInfo
    return new KubernetesApi({ url: `http://127.0.0.1:${port}`, folder: this.#folder })
  }

  put(path: string, spec: Json): void {
    const metadata = { resourceVersion: String(++this.#version) }
    this.#objects.set(path, { metadata, spec })
  }

  spec(path: string): Json {
    return this.#objects.get(path)?.spec ?? {}
  }

  annotations(path: string): Json {
    return (this.#objects.get(path)?.metadata['annotations'] ?? {}) as Json
  }

  replicas(deployment: string): number {
    return Number(this.spec(scaleOf(deployment))['replicas'] ?? 0)
  }

  setReplicas(deployment: string, replicas: number): void {
    // The real one leaves a zero out.
    this.put(scaleOf(deployment), replicas === 0 ? {} : { replicas })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.#folder, { recursive: true })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    this.asked.push(`${request.method} ${path}`)
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (this.failWith !== undefined) return void answer(this.failWith, { kind: 'Status' })
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return void answer(401, {})
    if (request.method === 'PATCH') this.beforePatch(path)
    const found = this.#objects.get(path)
    if (found === undefined) return void answer(404, { kind: 'Status' })
    if (request.method === 'PATCH') {
      const patch = JSON.parse(Buffer.concat(pieces).toString()) as { metadata?: Json }
      const based = patch.metadata?.['resourceVersion']
      if (based !== undefined && based !== found.metadata.resourceVersion) {
        return void answer(409, { kind: 'Status' })
      }
      merge(found as unknown as Json, patch)
      found.metadata.resourceVersion = String(++this.#version)
    }
    answer(200, found)
  }
}

export const LEASE = '/apis/coordination.k8s.io/v1/namespaces/ai/leases/gateway-scaling'
const scaleOf = (deployment: string) =>
  `/apis/apps/v1/namespaces/ai/deployments/${deployment}/scale`

/** RFC 7386. */
function merge(into: Json, patch: Json): void {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete into[key]
    else if (typeof value === 'object' && !Array.isArray(value)) {
      const inner = typeof into[key] === 'object' ? (into[key] as Json) : {}
      into[key] = inner
      merge(inner, value as Json)
    } else into[key] = value
  }
}
