import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as kubernetes from '@pulumi/kubernetes'
import { parse, stringify } from 'yaml'
import { startCluster, stopCluster, type LocalCluster } from '../../infra/local/cluster.ts'
import { programArchive } from '../../infra/local/cluster/oci-archive.ts'
import { ensureTool } from '../../infra/local/toolchain.ts'
import { Engine } from './inline-stack.ts'

const run = promisify(execFile)
const quiet = () => undefined
const NAME = 'provider-test'

interface Kubeconfig {
  clusters: { name: string; cluster: Record<string, unknown> }[]
  contexts: { name: string; context: { cluster: string; user: string } }[]
  'current-context'?: string
}

/** A real cluster, a real engine, and a kubeconfig whose current context is another cluster. */
export class ProviderCluster {
  readonly engine: Engine
  /** An image that is in the node: `/program pause` waits, `/program version` ends well. */
  readonly image: string
  readonly kubeconfig: string
  readonly context: string
  /** Connections that reached the cluster of the other context. */
  callsToOther = 0
  readonly #home: string
  readonly #kubectl: string
  readonly #other: Server

  private constructor(parts: {
    engine: Engine
    image: string
    home: string
    kubectl: string
    other: Server
    cluster: LocalCluster
  }) {
    this.engine = parts.engine
    this.image = parts.image
    this.kubeconfig = join(parts.home, 'two-contexts')
    this.context = parts.cluster.context
    this.#home = parts.home
    this.#kubectl = parts.kubectl
    this.#other = parts.other
    this.#other.on('connection', (socket) => {
      this.callsToOther += 1
      socket.destroy()
    })
  }

  static async start(): Promise<ProviderCluster> {
    const home = await mkdtemp(join(tmpdir(), 'serantau-provider-'))
    process.env['SERANTAU_HOME'] = home
    const cluster = await startCluster(NAME, quiet)
    const program = await ensureTool('sandbox', quiet)
    const pause = { name: 'serantau.local/pause', program, args: ['pause'] }
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const made = new ProviderCluster({
      engine: await Engine.create(
        await ensureTool('pulumi', quiet),
        await ensureTool('helm', quiet),
      ),
      image: (await programArchive(pause)).reference,
      home,
      kubectl: await ensureTool('kubernetes', quiet),
      other,
      cluster,
    })
    const text = await readFile(cluster.kubeconfig, 'utf8')
    await writeFile(made.kubeconfig, withOther(text, (other.address() as AddressInfo).port))
    return made
  }

  async stop(): Promise<void> {
    this.#other.close()
    await stopCluster(NAME, quiet, { purge: true })
    await this.engine.remove()
    await rm(this.#home, { recursive: true, force: true })
    delete process.env['SERANTAU_HOME']
  }

  provider(extra: kubernetes.ProviderArgs = {}): kubernetes.Provider {
    const { kubeconfig, context } = this
    return new kubernetes.Provider('cluster', { kubeconfig, context, ...extra })
  }

  async kubectl(...args: string[]): Promise<string> {
    const context = ['kubectl', '--kubeconfig', this.kubeconfig, '--context', this.context]
    const options = { maxBuffer: 2 ** 26 }
    return (await run(this.#kubectl, [...context, ...args], options)).stdout.trim()
  }
}

function withOther(text: string, port: number): string {
  const config = parse(text) as Kubeconfig
  const user = config.contexts[0]?.context.user ?? ''
  const cluster = { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true }
  config.clusters.push({ name: 'other', cluster })
  config.contexts.push({ name: 'other', context: { cluster: 'other', user } })
  config['current-context'] = 'other'
  return stringify(config)
}
