import { KitError } from '../../../catalog/errors.ts'
import { inMemory } from '../../../weights/gguf/byte-source.ts'
import { checkModel } from '../../../weights/gguf/check-model.ts'
import { readGguf } from '../../../weights/gguf/read-gguf.ts'

export type Verdict = 'accepted' | 'corrupt' | 'not servable' | 'broken'

export interface Judged {
  verdict: Verdict
  ms: number
  /** Of what is broken: how. */
  problem?: string
}

/** Each is judged within so long, and no message is longer. */
export const MOST_MS = 50
const MOST_MESSAGE = 1000
/** What takes long once may have waited for others; what takes long each time is slow. */
const LONG_MS = 5
const TRIES = 5

/** What the reader and the rules say of a file in memory. Broken: anything but yes, or no with its reason. */
export function judge(file: Buffer): Judged {
  let best = judgeOnce(file)
  for (let more = 1; more < TRIES && best.ms > LONG_MS; more++) {
    const again = judgeOnce(file)
    if (again.ms < best.ms) best = again
  }
  if (best.ms <= MOST_MS) return best
  return { verdict: 'broken', ms: best.ms, problem: `took ${Math.round(best.ms)} ms` }
}

function judgeOnce(file: Buffer): Judged {
  const began = performance.now()
  const judged = verdictOf(file)
  return { ...judged, ms: performance.now() - began }
}

function verdictOf(file: Buffer): Omit<Judged, 'ms'> {
  const source = inMemory(file)
  try {
    checkModel(readGguf(source, 'mutant.gguf'), source)
    return { verdict: 'accepted' }
  } catch (error) {
    if (!(error instanceof KitError)) {
      const { name, message } = error as Error
      return { verdict: 'broken', problem: `${name}: ${message.slice(0, 200)}` }
    }
    const problem = flawOf(error)
    if (problem !== undefined) return { verdict: 'broken', problem }
    return { verdict: error.code === 'WEIGHTS_CORRUPT' ? 'corrupt' : 'not servable' }
  }
}

/** What is wrong with a refusal, or undefined: its code, its place, or what it repeats of the file. */
function flawOf({ code, message, problems }: KitError): string | undefined {
  if (code !== 'WEIGHTS_CORRUPT' && code !== 'WEIGHTS_NOT_SERVABLE') return `code ${code}`
  if (message.length > MOST_MESSAGE) return `a message of ${message.length} characters`
  if (/(?! )[\p{C}\p{Z}]/u.test(message)) return 'control characters in a message'
  const path = problems[0]?.path ?? ''
  return /, (byte \d+, .|"|tensors$)/.test(path) ? undefined : `no place in "${path}"`
}
