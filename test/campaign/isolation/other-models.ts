import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineOptions } from '../../../server/engine/protocol.ts'
import type { Outcome, Settings } from '../campaign.ts'
import { type OpenEngine, openEngine } from '../open-engine.ts'
import { LONG, PAIRS_ENGINE, askInTurn, count, judge, newTally, promptsOf } from './pairs.ts'

/** What an engine leaves behind for the one that is started after it. */
export type Folders = Required<Pick<EngineOptions, 'stateFolder' | 'prefixMemory'>>

/** The same file under either: answers are equal, and whose keys and values they are is not. */
const DIGESTS = ['ef'.repeat(32), 'cd'.repeat(32)]
/** More than the slots hold: the rest is in files when the engine is killed. */
const BEFORE_A_KILL = 48

/**
 * Pairs of which the second asks another model. An engine serves one model, so the other one is started
 * in the same folders after the first was killed, which leaves its files there.
 */
export async function otherModels(
  folders: Folders,
  pairs: number,
  random: () => number,
  { model, say }: Settings,
  outcome: Outcome,
): Promise<void> {
  const tally = newTally()
  const left: number[] = []
  const start = (turn: number) =>
    openEngine(model, { ...PAIRS_ENGINE, ...folders, digest: DIGESTS[turn % DIGESTS.length]! })
  let engine = await start(0)
  try {
    for (let turn = 1; tally.pairs < pairs; turn++) {
      say(`${tally.pairs} of ${pairs} pairs of models`)
      const prompts = promptsOf(random, BEFORE_A_KILL, LONG)
      const first = await askInTurn(engine, prompts)
      await kill(engine)
      left.push((await readdir(join(folders.prefixMemory.folder, 'prefixes'))).length)
      engine = await start(turn)
      count(tally, first, await askInTurn(engine, prompts))
    }
  } finally {
    await engine.close()
  }
  outcome.figures.push(['states that a killed model left in memory: least', `${Math.min(...left)}`])
  if (left.includes(0)) outcome.failures.push('a killed model left nothing: nothing is proved')
  judge('another model, in the same folders', tally, outcome)
}

/** No chance to tidy up. */
async function kill(engine: OpenEngine): Promise<void> {
  const { pid } = engine.client
  if (pid === undefined) throw new Error('no engine runs')
  process.kill(pid, 'SIGKILL')
  await engine.close()
}
