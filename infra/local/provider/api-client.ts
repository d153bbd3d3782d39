import { request, type RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { describeKey, isNamespaced, type ObjectKey, type ObjectType } from './object-type.ts'
import { isObject, listAt, stringAt, type Json, type JsonObject } from './property-value.ts'

/** The API server answered with an error. */
export class ApiError extends Error {
  readonly status: number
  readonly reason: string
  constructor(status: number, reason: string, message: string) {
    super(message)
    this.status = status
    this.reason = reason
  }
}

/** Nothing answered at the address of the cluster. */
export class UnreachableError extends Error {}

interface Answer {
  status: number
  body: Json
  warnings: string[]
}

export interface ApplyOptions {
  fieldManager: string
  force: boolean
  dryRun: boolean
  signal?: AbortSignal
}

/**
 * Speaks JSON with one API server. The typed clients of the library drop fields that they do not
 * know, which an object of any kind cannot afford; its kubeconfig and authentication are used.
 */
export class ApiClient {
  readonly #config: KubeConfig
  readonly #server: URL
  readonly #onWarning: (message: string) => void
  readonly #resources = new Map<string, Promise<JsonObject[]>>()

  constructor(config: KubeConfig, server: string, onWarning: (message: string) => void) {
    this.#config = config
    this.#server = new URL(server)
    this.#onWarning = onWarning
  }

  async get(key: ObjectKey, signal?: AbortSignal): Promise<JsonObject | undefined> {
    return this.#find(await this.#pathOf(key), signal)
  }

  async list(
    type: ObjectType,
    namespace: string | undefined,
    labelSelector?: string,
  ): Promise<JsonObject[]> {
    const path = await this.#collectionOf(type, namespace)
    const query = labelSelector ? `?labelSelector=${encodeURIComponent(labelSelector)}` : ''
    const found = await this.#find(`${path}${query}`)
    return listAt(found, 'items').filter(isObject)
  }

  /** Server-side apply. `created`: there was no such object before. */
  async apply(
    object: JsonObject,
    key: ObjectKey,
    options: ApplyOptions,
  ): Promise<{ live: JsonObject; created: boolean }> {
    const query = new URLSearchParams({ fieldManager: options.fieldManager })
    if (options.force) query.set('force', 'true')
    if (options.dryRun) query.set('dryRun', 'All')
    const path = `${await this.#pathOf(key)}?${query.toString()}`
    const answer = await this.#send('PATCH', path, object, options.signal)
    if (answer.status >= 300) throw errorOf(answer, describeKey(key))
    answer.warnings.forEach(this.#onWarning)
    return { live: answer.body as JsonObject, created: answer.status === 201 }
  }

  /** Asks for deletion; false: it is already gone. */
  async remove(key: ObjectKey, propagationPolicy: string, uid?: string): Promise<boolean> {
    const body: JsonObject = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy }
    if (uid) body['preconditions'] = { uid }
    const answer = await this.#send('DELETE', await this.#pathOf(key), body)
    if (answer.status === 404) return false
    if (answer.status >= 300) throw errorOf(answer, describeKey(key))
    return true
  }

  async isNamespaced(type: ObjectType): Promise<boolean> {
    const known = isNamespaced(type)
    if (known !== undefined) return known
    return (await this.#resourceOf(type))['namespaced'] === true
  }

  /** Version of the server, e.g. `v1.34.4`, and every group/version that it serves. */
  async capabilities(): Promise<{ version: string; apiVersions: string[] }> {
    const [version, groups] = await Promise.all([this.#find('/version'), this.#find('/apis')])
    const served = listAt(groups, 'groups').flatMap((group) => listAt(group, 'versions'))
    return {
      version: stringAt(version, 'gitVersion') ?? 'v1.34.0',
      apiVersions: ['v1', ...served.map((row) => stringAt(row, 'groupVersion') ?? '')],
    }
  }

  async #pathOf(key: ObjectKey): Promise<string> {
    return `${await this.#collectionOf(key, key.namespace)}/${encodeURIComponent(key.name)}`
  }

  async #collectionOf(type: ObjectType, namespace: string | undefined): Promise<string> {
    const plural = stringAt(await this.#resourceOf(type), 'name') ?? ''
    const scope = namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
    return `${rootOf(type)}${scope}/${plural}`
  }

  async #resourceOf(type: ObjectType): Promise<JsonObject> {
    const cached = await this.#resourcesOf(type)
    const match = (rows: JsonObject[]) =>
      rows.find((row) => row['kind'] === type.kind && !stringAt(row, 'name')?.includes('/'))
    const known = match(cached)
    if (known) return known
    // A CustomResourceDefinition of the same update may just have been made.
    this.#resources.delete(type.apiVersion)
    const found = match(await this.#resourcesOf(type))
    if (found) return found
    throw new ApiError(
      404,
      'NoMatch',
      `the cluster does not serve kind ${type.kind} of ${type.apiVersion}: is its CustomResourceDefinition installed?`,
    )
  }

  #resourcesOf(type: ObjectType): Promise<JsonObject[]> {
    const known = this.#resources.get(type.apiVersion)
    if (known) return known
    const asked = this.#find(rootOf(type)).then((body) =>
      listAt(body, 'resources').filter(isObject),
    )
    this.#resources.set(type.apiVersion, asked)
    asked.catch(() => this.#resources.delete(type.apiVersion))
    return asked
  }

  async #find(path: string, signal?: AbortSignal): Promise<JsonObject | undefined> {
    const answer = await this.#send('GET', path, undefined, signal)
    if (answer.status === 404) return undefined
    if (answer.status >= 300) throw errorOf(answer, path)
    return isObject(answer.body) ? answer.body : undefined
  }

  async #send(
    method: 'GET' | 'PATCH' | 'DELETE',
    path: string,
    body?: JsonObject,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const options: RequestOptions = {
      method,
      protocol: this.#server.protocol,
      hostname: this.#server.hostname.replace(/^\[|\]$/g, ''),
      port: this.#server.port,
      path: `${this.#server.pathname.replace(/\/$/, '')}${path}`,
      headers: {
        accept: 'application/json',
        ...(method === 'PATCH' ? { 'content-type': 'application/apply-patch+yaml' } : {}),
        ...(method === 'DELETE' ? { 'content-type': 'application/json' } : {}),
      },
      timeout: 30_000,
      signal,
    }
    await this.#config.applyToHTTPSOptions(options)
    return exchange(options, body)
  }
}

function rootOf(type: ObjectType): string {
  return type.group === '' ? `/api/${type.apiVersion}` : `/apis/${type.apiVersion}`
}

function exchange(options: RequestOptions, body: JsonObject | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => {
      if (error.name === 'AbortError') return reject(error)
      const where = `${options.hostname}:${options.port}`
      reject(new UnreachableError(`the cluster at ${where} cannot be reached: ${error.message}`))
    }
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    // Without a length Node would drop the body of a DELETE, and with it how to delete.
    const headers = { ...options.headers, 'content-length': content?.length ?? 0 }
    const sent = request({ ...options, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', fail)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const warnings = [response.headers['warning'] ?? []].flat()
        resolve({
          status: response.statusCode ?? 0,
          body: parseBody(text),
          warnings: warnings.flatMap(textOfWarning),
        })
      })
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer within 30 s')))
    sent.on('error', fail)
    sent.end(content)
  })
}

function parseBody(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

/** `299 - "text"`, several joined by commas. */
const textOfWarning = (header: string): string[] =>
  [...header.matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (match[1] ?? '').replace(/\\(.)/g, '$1'),
  )

function errorOf(answer: Answer, what: string): ApiError {
  const text = typeof answer.body === 'string' ? answer.body : ''
  const message = stringAt(answer.body, 'message') ?? (text || 'no explanation')
  const reason = stringAt(answer.body, 'reason') ?? `HTTP ${answer.status}`
  return new ApiError(answer.status, reason, `${what}: ${message}`)
}
