import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { GatewayConfigSchema } from '../../catalog/serving-config.ts'
import { createGatewayApp } from '../../server/gateway/app.ts'
import { DIGEST, gatewayRole, headers, MODEL, until } from '../helpers/roles.ts'
import type { TestRole } from '../helpers/roles.ts'

const opened: (() => Promise<unknown>)[] = []
let folder = ''
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'serantau-tls-'))))
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
  rmSync(folder, { recursive: true, force: true })
})

interface Issue {
  cert: Buffer
  key: Buffer
}
type Files = Record<keyof Issue, Buffer | string>

let issues = 0

/** A certificate of its own, and its key. */
function issue(days = 30): Issue {
  const to = mkdtempSync(join(folder, `issue-${++issues}-`))
  const [keyFile, certFile] = [join(to, 'tls.key'), join(to, 'tls.crt')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const out = ['-days', String(days), '-keyout', keyFile, '-out', certFile]
  execFileSync('openssl', ['req', ...kind, ...out, ...subject], { stdio: 'ignore' })
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) }
}

/** A Secret as the kubelet mounts it: files behind a link to a folder, and the link is swapped. */
class MountedSecret {
  readonly files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
  #version = 0

  constructor(first: Issue) {
    this.swap(first)
    for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(folder, name))
  }

  swap({ cert, key }: Files): void {
    const version = `..version-${++this.#version}`
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, 'tls.crt'), cert)
    writeFileSync(join(folder, version, 'tls.key'), key)
    symlinkSync(version, join(folder, '..data-new'))
    renameSync(join(folder, '..data-new'), join(folder, '..data'))
  }
}

/** The gateway over TLS with the files of a Secret. */
async function served({ files }: MountedSecret): Promise<TestRole & { port: string }> {
  const plain = gatewayRole('http://127.0.0.1:1')
  const config = GatewayConfigSchema.parse({
    role: 'gateway',
    models: [{ id: MODEL, digest: DIGEST, licence: 'MIT', url: 'http://127.0.0.1:1' }],
    tls: files,
  })
  const { keys, metrics, lifecycle } = plain
  const common = { keys, metrics, lifecycle, logger: plain.app.log, tlsPollMs: 20 }
  const app = createGatewayApp({ ...common, config })
  opened.push(
    () => app.close(),
    () => plain.close(),
  )
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  return { ...plain, app, port }
}

interface Answer {
  status: number | 'not trusted'
  headers: Record<string, unknown>
}

const ask = (port: string, trusted: Buffer) =>
  new Promise<Answer>((resolve) => {
    const options = { ca: trusted, servername: 'localhost', headers: headers(), agent: false }
    request(`https://127.0.0.1:${port}/v1/models`, options, (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0, headers: response.headers })
    })
      .on('error', () => resolve({ status: 'not trusted', headers: {} }))
      .end()
  })

test('a certificate that was renewed in the Secret is used without a restart', async () => {
  const [first, second] = [issue(), issue()]
  const secret = new MountedSecret(first)
  const { port } = await served(secret)
  expect((await ask(port, first.cert)).status).toBe(200)
  secret.swap(second)
  await until(async () => (await ask(port, second.cert)).status === 200, 'the renewed one is used')
  expect((await ask(port, first.cert)).status).toBe('not trusted')
})

test.each<[string, (issued: Issue) => Files]>([
  ['is no certificate', ({ key }) => ({ cert: 'broken', key })],
  ['is empty', () => ({ cert: '', key: '' })],
  ['has the key of another one', ({ cert }) => ({ cert, key: issue().key })],
])('one that %s is said, and the old one stays in use until it is mended', async (_name, spoil) => {
  const [first, second] = [issue(), issue()]
  const secret = new MountedSecret(first)
  const role = await served(secret)
  secret.swap(spoil(second))
  await until(() => role.logged().includes('certificate_broken'), 'it is said')
  expect(role.logged()).toContain('expected a certificate and its key')
  expect(role.logged()).not.toContain('PRIVATE KEY')
  expect((await ask(role.port, first.cert)).status).toBe(200)
  secret.swap(second)
  await until(async () => (await ask(role.port, second.cert)).status === 200, 'it is mended')
})

test('when the certificate in use ends is a metric, which follows a renewal', async () => {
  const inDays = (days: number) => Date.now() / 1000 + days * 86_400
  const secret = new MountedSecret(issue(10))
  const { metrics } = await served(secret)
  const end = async () => {
    const text = await metrics.registry.metrics()
    return Number(/^serantau_tls_not_after_timestamp_seconds (\S+)$/m.exec(text)?.[1])
  }
  expect(Math.abs((await end()) - inDays(10))).toBeLessThan(3600)
  secret.swap(issue(90))
  await until(async () => Math.abs((await end()) - inDays(90)) < 3600, 'it follows')
})

test('a certificate that cannot be used at the start is a coded error', () => {
  const secret = new MountedSecret(issue())
  secret.swap({ cert: issue().cert, key: issue().key })
  const plain = gatewayRole('http://127.0.0.1:1')
  opened.push(() => plain.close())
  const start = (tls: object) => {
    const model = { id: MODEL, digest: DIGEST, licence: 'MIT', url: 'http://127.0.0.1:1' }
    const config = GatewayConfigSchema.parse({ role: 'gateway', models: [model], tls })
    const { keys, metrics, lifecycle } = plain
    createGatewayApp({ keys, metrics, lifecycle, logger: plain.app.log, config })
  }
  const coded = expect.objectContaining({
    code: 'CERTIFICATE_UNUSABLE',
    message: expect.stringContaining('tls.crt'),
  })
  expect(() => start(secret.files)).toThrow(coded)
  expect(() => start({ ...secret.files, keyFile: join(folder, 'none') })).toThrow(coded)
})

test('over TLS a browser is told to come by TLS alone, without TLS it is not', async () => {
  const first = issue()
  const { port } = await served(new MountedSecret(first))
  const { headers: sent } = await ask(port, first.cert)
  expect(sent['strict-transport-security']).toBe('max-age=31536000')
  const plain = gatewayRole('http://127.0.0.1:1')
  opened.push(() => plain.close())
  const response = await plain.app.inject({ url: '/v1/models', headers: headers() })
  expect(response.headers).not.toHaveProperty('strict-transport-security')
})

test('a client that speaks no TLS, or an older one than 1.2, gets no answer', async () => {
  const secret = new MountedSecret(issue())
  const { port, app } = await served(secret)
  const socket = connect(Number(port), '127.0.0.1')
  let text = ''
  socket.on('data', (data) => (text += data.toString('latin1'))).on('error', () => undefined)
  socket.write('GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n')
  await new Promise((resolve) => socket.once('close', resolve))
  expect(text).not.toContain('HTTP')
  const old = { minVersion: 'TLSv1' as const, maxVersion: 'TLSv1.1' as const }
  const options = { ...old, rejectUnauthorized: false, ciphers: 'ALL:@SECLEVEL=0', agent: false }
  const asked = new Promise((resolve) => {
    request(`https://127.0.0.1:${port}/health/live`, options, ({ statusCode }) =>
      resolve(statusCode),
    )
      .on('error', () => resolve('refused'))
      .end()
  })
  expect(await asked).toBe('refused')
  expect((await app.inject({ url: '/health/live' })).statusCode).toBe(200)
})
