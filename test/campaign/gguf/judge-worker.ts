/** A thread that judges some of the mutants: their numbers come as its data, what it saw goes back. */
import { parentPort, workerData } from 'node:worker_threads'
import { judge } from './judge.ts'
import { Mutants } from './mutants.ts'
import { tallyOf } from './tally.ts'

const TOLD_EACH = 100_000

// Most of a refusal's time would be its stack, which nobody sees.
Error.stackTraceLimit = 0
const { from, to } = workerData as { from: number; to: number }
const tell = (done: number) => {
  if (done % TOLD_EACH === 0) parentPort?.postMessage({ done: TOLD_EACH })
}
parentPort?.postMessage({ tally: tallyOf(new Mutants(), judge, from, to, tell) })
