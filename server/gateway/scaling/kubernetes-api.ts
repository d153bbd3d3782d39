import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Agent, request } from 'undici'

/** Where Kubernetes mounts the token of a pod's account, its CA and its namespace. */
const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'
const TIMEOUT_MS = 5000

export interface KubernetesApiOptions {
  /** Base URL of the API server. */
  url: string
  /** With `token`, `namespace`, and `ca.crt` when it speaks TLS. */
  folder: string
}

/** An answer of the API server that is none of 2xx. */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError'
  readonly status: number

  constructor(status: number) {
    super(`the API server answered ${status}`)
    this.status = status
  }
}

/**
 * The API server as a pod reaches it, for the two verbs that scaling needs. Not the client library: it
 * would bring 8 MiB of code into the gateway for a GET and a PATCH. Nothing is read before the first call.
 */
export class KubernetesApi {
  readonly #options: KubernetesApiOptions
  #agent: Agent | undefined
  #namespace: string | undefined

  constructor(options: KubernetesApiOptions = inPod()) {
    this.#options = options
  }

  get(group: string, resource: string): Promise<unknown> {
    return this.#ask('GET', group, resource)
  }

  /** A JSON merge patch; with `metadata.resourceVersion` in it a 409 when somebody else was faster. */
  patch(group: string, resource: string, change: object): Promise<unknown> {
    return this.#ask('PATCH', group, resource, change)
  }

  async close(): Promise<void> {
    await this.#agent?.destroy()
  }

  /** `resource`: of the pod's own namespace, such as `deployments/a/scale`. */
  async #ask(
    method: 'GET' | 'PATCH',
    group: string,
    resource: string,
    change?: object,
  ): Promise<unknown> {
    const { url, folder } = this.#options
    this.#agent ??= new Agent({ connect: { ...caOf(url, folder), timeout: TIMEOUT_MS } })
    this.#namespace ??= (await readFile(join(folder, 'namespace'), 'utf8')).trim()
    // Read each time: Kubernetes replaces it before it expires.
    const token = (await readFile(join(folder, 'token'), 'utf8')).trim()
    const path = `/apis/${group}/namespaces/${this.#namespace}/${resource}`
    const { statusCode, body } = await request(`${url}${path}`, {
      method,
      dispatcher: this.#agent,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        'content-type': 'application/merge-patch+json',
      },
      ...(change === undefined ? {} : { body: JSON.stringify(change) }),
    })
    if (statusCode >= 200 && statusCode < 300) return body.json()
    await body.dump()
    throw new KubernetesError(statusCode)
  }
}

const inPod = (): KubernetesApiOptions => ({
  url: `https://${process.env['KUBERNETES_SERVICE_HOST'] ?? 'kubernetes.default.svc'}:${process.env['KUBERNETES_SERVICE_PORT'] ?? '443'}`,
  folder: ACCOUNT_FOLDER,
})

const caOf = (url: string, folder: string) =>
  url.startsWith('https:') ? { ca: readFileSync(join(folder, 'ca.crt')) } : {}
