import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ensurePythonClients } from './python-environment.ts'
import type { PythonSet } from './python-environment.ts'
import type { Service } from './service.ts'

export interface PythonRun {
  stdout: string
  stderr: string
  /** Addresses other than this machine's that it asked for: `CONNECT host:port` or a URL. */
  askedElsewhere: readonly string[]
}

/**
 * A home folder for Python clients, and a proxy that notes what they ask of the world and refuses it: clients
 * keep to the proxy of their environment.
 */
export class PythonProcess {
  readonly home = mkdtempSync(join(tmpdir(), 'serantau-clients-'))
  readonly #python: string
  readonly #service: Service
  readonly #asked: string[] = []
  readonly #proxy = createServer((request, response) => {
    this.#asked.push(request.url ?? '')
    response.writeHead(403).end()
  })

  private constructor(python: string, service: Service) {
    this.#python = python
    this.#service = service
    this.#proxy.on('connect', (request, socket) => {
      this.#asked.push(`CONNECT ${request.url}`)
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    })
  }

  static async start(set: PythonSet, service: Service): Promise<PythonProcess> {
    const python = await ensurePythonClients(set, () => undefined)
    const started = new PythonProcess(python, service)
    await new Promise<void>((resolve) => started.#proxy.listen(0, '127.0.0.1', resolve))
    return started
  }

  write(name: string, content: string): string {
    const path = join(this.home, name)
    writeFileSync(path, content)
    return path
  }

  /** A script of the shell, where `python` is the one with the clients. Fails as `run`. */
  sh(args: readonly string[]): Promise<PythonRun> {
    return this.#run('sh', ['-eu', ...args])
  }

  /** Python with arguments. Fails with what it printed when it ends with another status than 0. */
  run(args: readonly string[]): Promise<PythonRun> {
    return this.#run(this.#python, args)
  }

  async #run(program: string, args: readonly string[]): Promise<PythonRun> {
    const { port } = this.#proxy.address() as AddressInfo
    const proxy = `http://127.0.0.1:${port}`
    const from = this.#asked.length
    const running = promisify(execFile)(program, [...args], {
      cwd: this.home,
      maxBuffer: 64 * 1024 * 1024,
      // Nothing of the machine's own: keys, user packages, proxies.
      env: {
        PATH: `${dirname(this.#python)}:${process.env['PATH'] ?? ''}`,
        ...{ HOME: this.home, LANG: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' },
        LLM_USER_PATH: this.home,
        ...{ HTTP_PROXY: proxy, HTTPS_PROXY: proxy, http_proxy: proxy, https_proxy: proxy },
        ...{ NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
        SERANTAU_BASE_URL: this.#service.baseURL,
        SERANTAU_API_KEY: this.#service.apiKey,
        SERANTAU_MODEL: this.#service.model,
      },
    })
    // `llm` reads what it is given there before it asks.
    running.child.stdin?.end()
    const printed = await running
    return { ...printed, askedElsewhere: this.#asked.slice(from) }
  }

  close(): void {
    this.#proxy.closeAllConnections()
    this.#proxy.close()
    rmSync(this.home, { recursive: true, force: true })
  }
}
