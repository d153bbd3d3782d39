import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { sumOf } from './tally.ts'
import type { Tally } from './tally.ts'

/** Of each thread; a mutant that needs more ends it, and with it the campaign. */
export const MOST_MIB = 64
const YOUNG_MIB = 16

export interface JudgedAll {
  tally: Tally
  threads: number
  /** What the process took more than before, bytes: of all threads together. */
  memory: number
}

/** Judges mutants 0 up to `size`, on every core. */
export async function judgeAll(size: number, say: (line: string) => void): Promise<JudgedAll> {
  const before = process.memoryUsage.rss()
  const threads = Math.min(availableParallelism(), size)
  const share = Math.ceil(size / threads)
  let done = 0
  const progress = (more: number) => {
    done += more
    say(`${done} of ${size} mutants judged`)
  }
  const tallies = await Promise.all(
    Array.from({ length: threads }, (_, thread) =>
      inThread(thread * share, Math.min(size, (thread + 1) * share), progress),
    ),
  )
  const memory = process.resourceUsage().maxRSS * 1024 - before
  return { tally: sumOf(tallies), threads, memory }
}

function inThread(from: number, to: number, progress: (more: number) => void): Promise<Tally> {
  const worker = new Worker(new URL('./judge-worker.ts', import.meta.url), {
    workerData: { from, to },
    resourceLimits: {
      maxOldGenerationSizeMb: MOST_MIB - YOUNG_MIB,
      maxYoungGenerationSizeMb: YOUNG_MIB,
    },
  })
  return new Promise((resolve, reject) => {
    worker.on('message', (message: { done: number } | { tally: Tally }) => {
      if ('done' in message) progress(message.done)
      else resolve(message.tally)
    })
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`a thread ended with ${code}`)))
  })
}
