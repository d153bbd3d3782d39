import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { run } from '../../infra/local/command.ts'
import { ensureTool } from '../../infra/local/toolchain.ts'
import { ROOT } from './project.ts'

export interface KubernetesObject {
  apiVersion: string
  kind: string
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  spec?: Record<string, unknown>
}

export const KUBE_VERSION = '1.34.4'
const quiet = () => undefined

/** Helm as people use it, with settings of its own. */
export class Helm {
  readonly #program: string
  readonly #folder: string
  readonly #cluster: string[]

  private constructor(program: string, folder: string, cluster: string[]) {
    this.#program = program
    this.#folder = folder
    this.#cluster = cluster
  }

  static async create(cluster?: { kubeconfig: string; context: string }): Promise<Helm> {
    const folder = await mkdtemp(join(tmpdir(), 'serantau-helm-'))
    const flags = cluster
      ? ['--kubeconfig', cluster.kubeconfig, '--kube-context', cluster.context]
      : []
    return new Helm(await ensureTool('helm', quiet), folder, flags)
  }

  /** `helm <args>` with the values in a file. */
  async run(args: string[], values?: object): Promise<string> {
    const file = join(this.#folder, 'values.json')
    if (values) await writeFile(file, JSON.stringify(values))
    const home = (name: string) => join(this.#folder, name)
    return run(this.#program, [...args, ...(values ? ['--values', file] : []), ...this.#cluster], {
      folder: ROOT,
      env: {
        ...process.env,
        HELM_CACHE_HOME: home('cache'),
        HELM_CONFIG_HOME: home('config'),
        HELM_DATA_HOME: home('data'),
      },
    })
  }

  async template(chart: string, namespace: string, values: object): Promise<KubernetesObject[]> {
    const options = ['--namespace', namespace, '--kube-version', KUBE_VERSION]
    const text = await this.run(['template', 'r', `charts/${chart}`, ...options], values)
    return parseAllDocuments(text).flatMap((document) => {
      const object = document.toJS() as KubernetesObject | null
      return object ? [object] : []
    })
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true })
  }
}
