import { createProgress } from './progress.ts'

/** Progress of this command, on stderr: stdout carries data only. */
export const report = createProgress(process.stderr, process.env)

/** Writes the result of a command: JSON for programs, text for people. */
export function print(output: 'text' | 'json', data: unknown, text: string): void {
  process.stdout.write(output === 'json' ? `${JSON.stringify(data)}\n` : `${text}\n`)
}
