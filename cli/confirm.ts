import { createInterface } from 'node:readline/promises'
import { KitError } from '../catalog/index.ts'

/** Asks before something is removed. Without a terminal the answer must come as `--yes`. */
export async function confirm(question: string, yes: boolean): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY) {
    throw new KitError('USAGE', {
      path: '--yes',
      expected: 'a terminal to ask on, or --yes',
      got: 'neither',
      fix: 'add --yes',
    })
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await prompt.question(`${question} [y/N] `)
  prompt.close()
  if (!/^y(es)?$/i.test(answer.trim())) {
    throw new KitError('USAGE', {
      path: 'confirmation',
      expected: 'y',
      got: JSON.stringify(answer.trim()),
      fix: 'nothing was changed; answer y to go on',
    })
  }
}
