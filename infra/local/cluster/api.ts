import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { join } from 'node:path'

export interface KubernetesObject {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
  [field: string]: unknown
}

export interface Api {
  /** Resolves with the status and the body; rejects when nobody answers. */
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: string }>
  close(): void
}

/** The API server as its administrator. node:https alone: these few calls must start in no time. */
export async function connect(folder: string, host: string, certificate: string): Promise<Api> {
  const [ca, cert, key] = await Promise.all(
    ['ca.crt', `${certificate}.crt`, `${certificate}.key`].map((file) =>
      readFile(join(folder, 'pki', file)),
    ),
  )
  const agent = new Agent({ ca, cert, key, keepAlive: true })
  return {
    call: (method, path, body) =>
      new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/apply-patch+yaml' }
        const options = { agent, host, port: 6443, method, path, headers, timeout: 5000 }
        const outgoing = request(options, (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => (text += chunk))
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
          response.on('error', reject)
        })
        outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 5 s')))
        outgoing.on('error', reject)
        outgoing.end(body === undefined ? undefined : JSON.stringify(body))
      }),
    close: () => agent.destroy(),
  }
}

/** Server-side apply: makes the object or brings it back to what we say of it. */
export async function apply(api: Api, object: KubernetesObject): Promise<void> {
  const path = `${pathOf(object)}?fieldManager=serantau&force=true`
  const { status, body } = await api.call('PATCH', path, object)
  if (status >= 300) throw new Error(`${object.kind} ${object.metadata.name}: ${status} ${body}`)
}

export function pathOf({ apiVersion, kind, metadata }: KubernetesObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`
  return `${root}${scope}/${kind.toLowerCase()}s/${metadata.name}`
}
