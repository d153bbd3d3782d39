import { execFile } from 'node:child_process'

export class CommandError extends Error {
  override readonly name = 'CommandError'
  /** Exit status; undefined: it could not start or was killed. */
  readonly status: number | undefined
  readonly output: string

  constructor(program: string, status: number | undefined, output: string, cause: Error) {
    super(`${program} failed (${status ?? cause.message}): ${output.trim().slice(-2000)}`, {
      cause,
    })
    this.status = status
    this.output = output
  }
}

export interface CommandOptions {
  input?: string
  folder?: string
  env?: NodeJS.ProcessEnv
  timeoutMs?: number
  /** Resolves with stdout and, behind it, stderr. */
  both?: boolean
}

/** Runs a program without a shell and resolves with its stdout. Fails with CommandError. */
export function run(
  program: string,
  args: string[],
  options: CommandOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      {
        cwd: options.folder,
        env: options.env ?? process.env,
        timeout: options.timeoutMs,
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        if (!error) return resolve(options.both ? stdout + stderr : stdout)
        const status = typeof error.code === 'number' ? error.code : undefined
        reject(new CommandError(program, status, stderr || stdout, error))
      },
    )
    // A program that ends before it read its input is reported by its exit status.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
  })
}
