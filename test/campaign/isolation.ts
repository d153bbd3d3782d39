import { randomNumbers } from '../bench/engine/statistics.ts'
import type { GenerateRequest } from '../../server/engine/engine.ts'
import { type Outcome, type Settings, firstOf, percent } from './campaign.ts'
import { type OpenEngine, type Said, openEngine } from './open-engine.ts'

/** A few more than the shortest prefix that is shared. */
const PROMPT = 20
const MAX_TOKENS = 1
/** So few that what they leave behind is still in the slots when the next ones ask. */
const WAVE = 4
const FIRST_TOKEN = 1000
const TOKENS = 20_000
const OTHER_DIGEST = 'ef'.repeat(32)

/** Who asks the same thing a second time. */
interface Second {
  name: string
  differs: Partial<GenerateRequest>
  /** Another engine, of the same file under another digest. */
  otherModel?: true
}

const STRANGERS: readonly Second[] = [
  { name: 'another tenant', differs: { tenant: 'another' } },
  { name: 'another adapter', differs: { adapter: 'ad'.repeat(32) } },
  { name: 'another model', differs: {}, otherModel: true },
]
/** Names that a careless key would confuse with the first one's. */
const LOOKALIKES: readonly Second[] = [
  { name: 'a tenant named alike', differs: { tenant: 'campaign|none', adapter: '' } },
  { name: 'a tenant with a space more', differs: { tenant: 'campaign ' } },
]
const SECONDS = [...STRANGERS, ...LOOKALIKES]

interface Tally {
  pairs: number
  evaluated: number
  equal: number
}

/** The same prompt from two: only the very same tenant, adapter and model may share its keys and values. */
export async function isolation({ model, size, say }: Settings): Promise<Outcome> {
  const options = { contextSize: 64, slots: 16, shaping: false }
  const engine = await openEngine(model, options)
  const other = await openEngine(model, { ...options, digest: OTHER_DIGEST })
  const random = randomNumbers(11)
  const tallies = new Map(SECONDS.map(({ name }) => [name, { pairs: 0, evaluated: 0, equal: 0 }]))
  const control = { asked: 0, hits: 0 }
  const failures: string[] = []
  try {
    for (let pairs = 0, wave = 0; pairs < size; pairs += WAVE, wave++) {
      if (wave % 100 === 0) say(`${pairs} of ${size} pairs`)
      const prompts = Array.from({ length: WAVE }, () => promptOf(random))
      const first = await inTurn(prompts, (prompt) => ask(engine, prompt, {}))
      if (first.some(({ cachedTokens }) => cachedTokens > 0)) failures.push('a first one hit')
      const again = await inTurn(prompts, (prompt) => ask(engine, prompt, {}))
      control.asked += WAVE
      control.hits += again.filter(({ cachedTokens }) => cachedTokens === PROMPT - 1).length
      const second = SECONDS[wave % SECONDS.length]!
      const asked = second.otherModel === true ? other : engine
      const answers = await all(prompts, (prompt) => ask(asked, prompt, second.differs))
      count(tallies.get(second.name)!, first, answers)
    }
  } finally {
    await Promise.all([engine.close(), other.close()])
  }
  return outcomeOf(tallies, control, failures)
}

const promptOf = (random: () => number): number[] =>
  Array.from({ length: PROMPT }, () => FIRST_TOKEN + Math.floor(random() * TOKENS))

const all = (prompts: number[][], work: (prompt: number[]) => Promise<Said>) =>
  Promise.all(prompts.map(work))

/** Those that ask at once may take each other's slots, and what is held in them. */
async function inTurn(prompts: number[][], work: (prompt: number[]) => Promise<Said>) {
  const said: Said[] = []
  for (const prompt of prompts) said.push(await work(prompt))
  return said
}

const ask = (engine: OpenEngine, prompt: number[], differs: Partial<GenerateRequest>) =>
  engine.ask(prompt, { maxTokens: MAX_TOKENS, ignoreEos: true, ...differs })

function count(tally: Tally, first: readonly Said[], answers: readonly Said[]): void {
  tally.pairs += answers.length
  tally.evaluated += answers.filter(({ cachedTokens }) => cachedTokens === 0).length
  tally.equal += answers.filter(({ text }, index) => text === first[index]?.text).length
}

function outcomeOf(
  tallies: ReadonlyMap<string, Tally>,
  control: { asked: number; hits: number },
  failures: string[],
): Outcome {
  const rows: [string, string][] = [
    ['the same tenant, adapter and model hit', percent(control.hits, control.asked)],
  ]
  if (control.hits < control.asked)
    failures.push(`control: ${percent(control.hits, control.asked)} hit`)
  for (const [name, { pairs, evaluated, equal }] of tallies) {
    rows.push([`${name}: every token evaluated`, percent(evaluated, pairs)])
    rows.push([`${name}: equal answers`, percent(equal, pairs)])
    if (evaluated < pairs) failures.push(`${name}: ${percent(evaluated, pairs)} evaluated`)
  }
  return { figures: rows, failures: firstOf(failures) }
}
