import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..', '..')

export interface CliResult {
  status: number
  stdout: string
  stderr: string
}

/**
 * A project folder of its own (Pulumi.yaml and stack files) over this checkout's rooms, with a state
 * folder of its own. Tools and weights come from the machine's cache.
 */
export class TestProject {
  readonly folder: string
  readonly home: string

  /** Folder of the kit whose commands run. */
  #kit: string

  /** Commands that run: a test that timed out must not leave one behind. */
  readonly #running = new Set<ChildProcess>()

  private constructor(folder: string, kit: string) {
    this.folder = folder
    this.#kit = kit
    this.home = join(folder, 'home')
  }

  /** `kit`: default this checkout; another version of it for an upgrade. */
  static async create(kit = ROOT): Promise<TestProject> {
    const folder = await mkdtemp(join(tmpdir(), 'serantau-project-'))
    const project = new TestProject(folder, kit)
    await project.use(kit)
    return project
  }

  /** From now on another version of the kit works on the same stack files and state. */
  async use(kit: string): Promise<void> {
    this.#kit = kit
    await copyFile(join(kit, 'Pulumi.yaml'), join(this.folder, 'Pulumi.yaml'))
    for (const room of ['infra', 'charts', 'node_modules', 'package.json']) {
      await rm(join(this.folder, room), { force: true })
      await symlink(join(kit, room), join(this.folder, room))
    }
  }

  env(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return { ...process.env, SERANTAU_HOME: this.home, NO_COLOR: '1', ...extra }
  }

  stackFile(stack: string): string {
    return join(this.folder, `Pulumi.${stack}.yaml`)
  }

  /** Starts `serantau <args>` as a person would. */
  start(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): ChildProcessByStdio<null, Readable, Readable> {
    const command = [join(this.#kit, 'cli', 'main.ts'), ...args, '--project', this.folder]
    const child = spawn(process.execPath, command, {
      env: this.env(env),
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#running.add(child)
    child.once('close', () => this.#running.delete(child))
    return child
  }

  /** Runs it and waits for its end. */
  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
    const child = this.start(args, env)
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve({ status: code ?? 1, stdout, stderr }))
    })
  }

  /** Runs a command that must succeed. */
  async succeed(args: readonly string[]): Promise<CliResult> {
    const result = await this.run(args)
    if (result.status !== 0) {
      throw new Error(`serantau ${args.join(' ')} ended with ${result.status}\n${result.stderr}`)
    }
    return result
  }

  /** Runs and returns the JSON on stdout; a failure shows what the command said. */
  async json<T>(args: readonly string[]): Promise<T> {
    const result = await this.succeed([...args, '-o', 'json'])
    return JSON.parse(result.stdout) as T
  }

  async remove(): Promise<void> {
    for (const child of this.#running) child.kill('SIGKILL')
    await rm(this.folder, { recursive: true, force: true })
  }
}
