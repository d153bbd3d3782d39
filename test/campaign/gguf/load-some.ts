import { rm, writeFile, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judge } from './judge.ts'
import { Loader } from './loader.ts'
import type { LoadOutcome } from './loader.ts'
import { Mutants } from './mutants.ts'

type End = LoadOutcome['kind']
type Ends = Record<End, number>

export interface LoadedSome {
  /** What became of files that the check had accepted. */
  accepted: Ends
  /** What would have become of those that it refused. */
  refused: Ends
  /** Deaths by their cause, of each sort of file. */
  causes: Record<'accepted' | 'refused', Map<string, number>>
  /** Of accepted files that ended their process: number and what was done. */
  deaths: string[]
}

/** Of the files that are loaded: the check refuses most, and what it accepts must be proved. */
const REFUSED_SHARE = 0.25
const SAID_EACH = 1000

const noEnds = (): Ends => ({ decoded: 0, 'not decoded': 0, 'not loaded': 0, died: 0 })

/** Loads `size` mutants with native code, in the order of their numbers: a quarter of them refused ones. */
export async function loadSome(size: number, say: (line: string) => void): Promise<LoadedSome> {
  const seen: LoadedSome = {
    ...{ accepted: noEnds(), refused: noEnds(), deaths: [] },
    causes: { accepted: new Map(), refused: new Map() },
  }
  const left = { refused: Math.round(size * REFUSED_SHARE), accepted: 0 }
  left.accepted = size - left.refused
  const folder = await mkdtemp(join(tmpdir(), 'serantau-mutants-'))
  const loader = new Loader()
  const mutants = new Mutants()
  try {
    for (let index = 0; left.accepted + left.refused > 0; index++) {
      const { file, seed, how } = mutants.at(index)
      const sort = judge(file).verdict === 'accepted' ? 'accepted' : 'refused'
      if (left[sort] === 0) continue
      if (--left[sort] % SAID_EACH === 0) {
        say(`${left.accepted} accepted and ${left.refused} refused ones to load`)
      }
      // Each has a name of its own: native code may hold the one before yet.
      const path = join(folder, `${index}.gguf`)
      await writeFile(path, file)
      const outcome = await loader.load(path)
      await rm(path)
      seen[sort][outcome.kind]++
      if (outcome.kind !== 'died') continue
      const { cause } = outcome
      seen.causes[sort].set(cause, (seen.causes[sort].get(cause) ?? 0) + 1)
      if (sort === 'accepted') seen.deaths.push(`mutant ${index} (${seed}, ${how}): ${cause}`)
    }
    return seen
  } finally {
    loader.close()
    await rm(folder, { recursive: true, force: true })
  }
}
