import type { ArmName } from './arms.ts'
import { type Bench, setupOf } from './bench.ts'
import { closedLoop, summarise } from './load.ts'
import { say } from './recorded.ts'
import { sessionOf } from './session.ts'

const TURNS = 3

/**
 * Requests a second, of 64 tokens in and out at as many streams as there are slots, of whichever
 * serves more: the best llama-server or ours. An overload is to overload both.
 */
export async function capacityOf(bench: Bench): Promise<number> {
  const { best, options } = bench
  const flags = best.of('W1')
  const known = best.capacityWith(flags)
  const theirs = known ?? (await measured(bench, 'llama-server-best'))
  // A short look at it, on whatever machine, is no measure for later.
  if (known === undefined && !options.quick) await best.keepCapacity(flags, theirs)
  const ours = (bench.ownCapacity ??= await measured(bench, 'ours'))
  say(`capacity: ours ${ours.toFixed(2)}, llama-server-best ${theirs.toFixed(2)} requests a second`)
  return Math.max(ours, theirs)
}

async function measured(bench: Bench, name: ArmName): Promise<number> {
  const { prompts, best, setup } = bench
  const given = { prompts, quick: false, soakRequests: 1, seed: 0, capacity: Number.NaN }
  const arm = await sessionOf(name, setupOf(bench, 'W1', name, best.of('W1')), given).start()
  try {
    const answers = await closedLoop(arm, setup.slots, TURNS, (stream, turn) => ({
      prompt: prompts.prompt(`capacity ${stream} ${turn}`, 64),
      maxTokens: 64,
    }))
    return summarise(answers)['requestsPerSecond'] ?? Number.NaN
  } finally {
    await arm.stop()
  }
}
