import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Settings } from '../campaign.ts'
import { memoryTier } from '../memory-tier.ts'
import { type OpenEngine, SLOTS, inParallel, openEngine } from '../open-engine.ts'
import { type Acted, type Features, actedOf } from './acted.ts'
import { CONTEXT_SIZE } from './prompts.ts'
import { writeTableWithDips } from './table-with-dips.ts'

/** How our engine is run. One that restores asks each prompt twice: its slot is another's meanwhile. */
export interface Arm extends Features {
  name: string
  /** Absent: one a core. */
  threads?: number
}

const NOTHING = { slots: SLOTS, shaping: false, prefixCache: false, drafts: false }
const EVERYTHING = { slots: SLOTS, shaping: true, prefixCache: true, drafts: true }

/** What all others are compared with. */
export const ALONE: Arm = { name: '1 stream', streams: 1, ...NOTHING }
/** Few streams in many slots: holes, pad rows and moves. One alone: guesses. */
export const ARMS: readonly Arm[] = [
  { name: '1 stream, guessed', streams: 1, ...EVERYTHING, prefixCache: false },
  { name: '1 stream, with everything', streams: 1, ...EVERYTHING },
  { name: '16 streams', streams: 16, ...NOTHING },
  { name: '16 streams, shaped', streams: 16, ...NOTHING, shaping: true },
  { name: '16 streams, cached', streams: 16, ...NOTHING, prefixCache: true },
  { name: '16 streams, with everything', streams: 16, ...EVERYTHING },
  {
    ...{ name: '16 streams, with everything, prefixes in memory', streams: 16, ...EVERYTHING },
    ...{ slots: 4, restored: true },
  },
  { name: '6 streams, with everything', streams: 6, ...EVERYTHING },
  { name: '6 streams, with everything, padded', streams: 6, ...EVERYTHING, padded: true },
  { name: '16 streams, with everything, one thread', streams: 16, ...EVERYTHING, threads: 1 },
]
/** All of them take too long for every test run. */
export const FEW = [
  '1 stream, guessed',
  '16 streams, with everything',
  '6 streams, with everything, padded',
]

/** Of each answer. */
export const MAX_TOKENS = 64
/** Prompts that are asked before the same ones are asked again: their states fit into the tier together. */
const BLOCK = 16
const TIER_BYTES = 256 * 2 ** 20

export interface Answered {
  /** Of all prompts in order; of an arm that restores, two rounds of them. */
  answers: string[]
  acted: Acted
}

export async function answersOf(
  { model }: Settings,
  arm: Arm,
  prompts: readonly number[][],
): Promise<Answered> {
  const { shaping, prefixCache, drafts, threads, slots } = arm
  const tier = arm.restored === true ? memoryTier(TIER_BYTES) : undefined
  const stateFolder = await mkdtemp(join(tmpdir(), 'serantau-exactness-'))
  const options = {
    ...{ slots, shaping, prefixCache, drafts, contextSize: CONTEXT_SIZE, stateFolder },
    ...(threads === undefined ? {} : { threads }),
    ...(tier === undefined ? {} : { prefixMemory: tier.options }),
  }
  if (arm.padded === true) {
    await (await openEngine(model, options)).close()
    await writeTableWithDips(stateFolder)
  }
  const engine = await openEngine(model, options)
  try {
    const answers = await (tier === undefined ? askOnce : askTwice)(engine, arm, prompts)
    const acted = actedOf(arm, engine.client.stats(), await engine.stepsMs())
    return { answers, acted }
  } finally {
    await engine.close()
    tier?.remove()
    await rm(stateFolder, { recursive: true, force: true })
  }
}

async function askOnce(
  engine: OpenEngine,
  { streams }: Arm,
  prompts: readonly number[][],
): Promise<string[]> {
  const said = await inParallel(prompts, streams, (prompt) =>
    engine.ask(prompt, { maxTokens: MAX_TOKENS }),
  )
  return said.map(({ text }) => text)
}

/** Block by block, so that a prompt comes again after others took its slot, and before its state is evicted. */
async function askTwice(
  engine: OpenEngine,
  arm: Arm,
  prompts: readonly number[][],
): Promise<string[]> {
  const rounds: [string[], string[]] = [[], []]
  for (let from = 0; from < prompts.length; from += BLOCK) {
    const block = prompts.slice(from, from + BLOCK)
    for (const round of rounds) round.push(...(await askOnce(engine, arm, block)))
  }
  return rounds.flat()
}
