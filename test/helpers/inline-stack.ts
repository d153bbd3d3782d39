import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import {
  LocalWorkspace,
  PulumiCommand,
  type EngineEvent,
  type Stack,
} from '@pulumi/pulumi/automation/index.js'
import { installOfflineProvider } from '../../infra/local/provider/install.ts'
import { OFFLINE_PROVIDER_VERSION } from '../../infra/local/provider/provider-version.ts'

/** What one command of the engine did and said. */
export interface Outcome {
  /** Operations by the name of the resource, e.g. `{ web: ['update'] }`; unchanged ones left out. */
  operations: Record<string, string[]>
  /** All that a person would have seen. */
  output: string
  error?: string
}

type Verb = 'up' | 'preview' | 'refresh' | 'destroy'

/** A folder with an engine, the offline provider and a state of its own. */
export class Engine {
  readonly folder: string
  readonly #environment: Record<string, string>

  private constructor(folder: string, environment: Record<string, string>) {
    this.folder = folder
    this.#environment = environment
  }

  static async create(pulumiProgram: string, helm: string): Promise<Engine> {
    const folder = await mkdtemp(join(tmpdir(), 'serantau-engine-'))
    for (const part of ['cli/bin', 'state']) {
      await mkdir(join(folder, part), { recursive: true })
    }
    await symlink(pulumiProgram, join(folder, 'cli', 'bin', 'pulumi'))
    await installOfflineProvider(join(folder, 'home'))
    return new Engine(folder, {
      PULUMI_BACKEND_URL: `file://${join(folder, 'state')}`,
      PULUMI_CONFIG_PASSPHRASE: 'test',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      SERANTAU_HELM: helm,
      SERANTAU_RENDER_ONLY: '0',
    })
  }

  async run(
    project: string,
    verb: Verb,
    program: () => void | Promise<void>,
    options: {
      env?: Record<string, string>
      signal?: AbortSignal
      onText?: (text: string) => void
    } = {},
  ): Promise<Outcome> {
    const stack = await this.#stack(project, program, options.env)
    const outcome: Outcome = { operations: {}, output: '' }
    const onEvent = (event: EngineEvent) => note(outcome.operations, event)
    const onOutput = (text: string) => {
      outcome.output += text
      options.onText?.(text)
    }
    const common = {
      onEvent,
      onOutput,
      onError: onOutput,
      color: 'never' as const,
      signal: options.signal,
    }
    try {
      if (verb === 'up') await stack.up(common)
      if (verb === 'preview') await stack.preview(common)
      if (verb === 'refresh') await stack.refresh(common)
      if (verb === 'destroy') await stack.destroy(common)
    } catch (error) {
      outcome.error = String(error)
    }
    return outcome
  }

  /** Where the program of a project runs. */
  workFolder(project: string): string {
    return join(this.folder, project)
  }

  /** Every byte of the state, backups included, as a reader without the passphrase sees it. */
  async state(): Promise<string> {
    const files = await readdir(join(this.folder, 'state'), {
      recursive: true,
      withFileTypes: true,
    })
    const texts = files
      .filter((entry) => entry.isFile())
      .map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8'))
    return (await Promise.all(texts)).join('\n')
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }

  async #stack(
    project: string,
    program: () => void | Promise<void>,
    env: Record<string, string> = {},
  ): Promise<Stack> {
    await mkdir(this.workFolder(project), { recursive: true })
    const command = await PulumiCommand.get({
      root: join(this.folder, 'cli'),
      skipVersionCheck: true,
    })
    return LocalWorkspace.createOrSelectStack(
      { stackName: 'test', projectName: project, program: async () => void (await program()) },
      {
        workDir: this.workFolder(project),
        pulumiHome: join(this.folder, 'home'),
        pulumiCommand: command,
        envVars: { ...this.#environment, ...env },
      },
    )
  }
}

function note(operations: Record<string, string[]>, event: EngineEvent): void {
  const metadata = event.resourcePreEvent?.metadata
  if (!metadata || ['same', 'refresh', 'read'].includes(metadata.op)) {
    const refreshed = event.resOutputsEvent?.metadata
    if (refreshed?.op === 'update' || refreshed?.op === 'delete') add(operations, refreshed)
    return
  }
  add(operations, metadata)
}

function add(operations: Record<string, string[]>, metadata: { urn: string; op: string }): void {
  const name = metadata.urn.split('::').slice(3).join('::')
  const known = (operations[name] ??= [])
  if (!known.includes(metadata.op)) known.push(metadata.op)
}

/** A Kubernetes object of any kind, by its type token. */
export class KubernetesResource extends pulumi.CustomResource {
  constructor(
    token: string,
    name: string,
    inputs: pulumi.Inputs,
    options: pulumi.CustomResourceOptions,
  ) {
    super(token, name, inputs, { ...options, version: OFFLINE_PROVIDER_VERSION })
  }
}
