import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GenerateRequest } from '../../server/engine/engine.ts'
import { randomNumbers } from '../bench/engine/statistics.ts'
import { type Outcome, type Settings, firstOf, percent } from './campaign.ts'
import { type Folders, otherModels } from './isolation/other-models.ts'
import {
  LONG,
  PAIRS_ENGINE,
  SHORT,
  ask,
  askInTurn,
  count,
  judge,
  newTally,
  promptsOf,
} from './isolation/pairs.ts'
import { memoryTier } from './memory-tier.ts'
import { type OpenEngine, type Said, openEngine } from './open-engine.ts'

/** So few that what they leave behind is still in the slots when the next ones ask. */
const WAVE = 4
/** Waves after which others have taken the slots of one: its prompts are in the RAM tier alone. Even. */
const UNTIL_TAKEN = 4
const TIER_BYTES = 128 * 2 ** 20

/** Who asks the same thing a second time, of the same engine. */
const STRANGERS: readonly { name: string; differs: Partial<GenerateRequest> }[] = [
  { name: 'another tenant', differs: { tenant: 'another' } },
  { name: 'another adapter', differs: { adapter: 'ad'.repeat(32) } },
  // Names that a careless key would confuse with the first one's.
  { name: 'a tenant named alike', differs: { tenant: 'campaign|none', adapter: '' } },
  { name: 'a tenant with a space more', differs: { tenant: 'campaign ' } },
]
/** Of all pairs: as many as each stranger has. */
const OTHER_MODELS = 1 / (STRANGERS.length + 1)

/** The same prompt from two: only the very same tenant, adapter and model may share its keys and values. */
export async function isolation(settings: Settings): Promise<Outcome> {
  const tier = memoryTier(TIER_BYTES)
  const stateFolder = await mkdtemp(join(tmpdir(), 'serantau-campaign-'))
  const folders: Folders = { stateFolder, prefixMemory: tier.options }
  const others = Math.round(settings.size * OTHER_MODELS)
  const random = randomNumbers(11)
  const outcome: Outcome = { figures: [], failures: [] }
  try {
    const engine = await openEngine(settings.model, { ...PAIRS_ENGINE, ...folders })
    try {
      await strangers(engine, settings.size - others, random, settings, outcome)
    } finally {
      await engine.close()
    }
    await otherModels(folders, others, random, settings, outcome)
    return { ...outcome, failures: firstOf(outcome.failures) }
  } finally {
    await rm(stateFolder, { recursive: true, force: true })
    tier.remove()
  }
}

interface Wave {
  prompts: number[][]
  first: Said[]
}

/** In turns they ask for what is in the slots still, and for what is in memory alone. */
async function strangers(
  engine: OpenEngine,
  size: number,
  random: () => number,
  { say }: Settings,
  outcome: Outcome,
): Promise<void> {
  const tallies = STRANGERS.map(newTally)
  const control = { slot: { asked: 0, hits: 0 }, memory: { asked: 0, hits: 0 } }
  const recent: Wave[] = []
  for (let wave = 0; wave * WAVE < size; wave++) {
    if (wave % 100 === 0) say(`${wave * WAVE} of ${size} pairs`)
    const odd = wave % 2 === 1
    const fresh = promptsOf(random, WAVE, odd ? LONG : SHORT)
    const first = await askInTurn(engine, fresh)
    if (first.some(({ cachedTokens }) => cachedTokens > 0)) outcome.failures.push('a first one hit')
    recent.push({ prompts: fresh, first })
    const old = recent.length > UNTIL_TAKEN ? recent.shift() : undefined
    const inMemory = odd && old !== undefined
    const again = inMemory ? old : { prompts: fresh, first }
    const same = await askInTurn(engine, again.prompts)
    const part = control[inMemory ? 'memory' : 'slot']
    part.asked += WAVE
    part.hits += same.filter(
      ({ cachedTokens }, at) => cachedTokens === again.prompts[at]!.length - 1,
    ).length
    const who = (wave >> 1) % STRANGERS.length
    const differs = STRANGERS[who]?.differs
    const said = await Promise.all(again.prompts.map((prompt) => ask(engine, prompt, differs)))
    count(tallies[who]!, again.first, said)
  }
  judgeControl(engine, control, outcome)
  STRANGERS.forEach(({ name }, who) => judge(name, tallies[who]!, outcome))
}

/** Where the first one itself does not hit, it proves nothing that others do not. */
function judgeControl(
  engine: OpenEngine,
  control: Record<'slot' | 'memory', { asked: number; hits: number }>,
  { figures, failures }: Outcome,
): void {
  for (const [where, { asked, hits }] of Object.entries(control)) {
    figures.push([`the same tenant, adapter and model hit, in ${where}`, percent(hits, asked)])
    if (hits < asked) failures.push(`control, in ${where}: ${percent(hits, asked)} hit`)
  }
  const { memory } = engine.client.stats().cache.tokens
  figures.push(['tokens that came back from memory', `${memory}`])
  if (memory === 0) failures.push('no token came back from memory: nothing is proved of it')
}
