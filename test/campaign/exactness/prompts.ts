import { join } from 'node:path'
import { run } from '../../../infra/local/command.ts'
import { randomNumbers } from '../../bench/engine/statistics.ts'

/** Ten languages in eight scripts. */
export const LANGUAGES = ['zlm-Latn', 'id', 'th', 'vi', 'ta', 'zh', 'km', 'en', 'hi', 'ar']
const SCRIPT = join(import.meta.dirname, '..', '..', 'bench', 'engine', 'tokenize-texts.ts')
/** So many prompts in a row begin alike, so that prefixes are shared. */
const SIBLINGS = 4
const COMMON = 32
/** Of every fifth such group: beyond the window of 512 tokens that most layers of gemma look back. */
const COMMON_BEYOND_WINDOW = 560
const GROUPS_A_LONG_ONE = 5
/** Beyond a chunk, a tile of attention (64 rows) and a page of cells (256). */
const LONGEST_REST = 300
/** Holds every prompt and its answer. */
export const CONTEXT_SIZE = 1024

interface Pool {
  start: number[]
  texts: Record<string, number[]>
}

/**
 * `count` prompts of 33 to 332 tokens, and of 561 to 860 in every fifth group of four; as ids. Groups begin
 * alike. The same every time.
 */
export async function promptsOf(file: string, count: number): Promise<number[][]> {
  const { start, texts } = JSON.parse(await run(process.execPath, [SCRIPT, file])) as Pool
  const random = randomNumbers(5)
  const cut = (text: readonly number[], tokens: number) => {
    const at = Math.floor(random() * (text.length - tokens))
    return text.slice(at, at + tokens)
  }
  let head: number[] = []
  return Array.from({ length: count }, (_, index) => {
    const group = Math.floor(index / SIBLINGS)
    const text = texts[LANGUAGES[group % LANGUAGES.length] ?? 'en'] ?? []
    const common = group % GROUPS_A_LONG_ONE < GROUPS_A_LONG_ONE - 1 ? COMMON : COMMON_BEYOND_WINDOW
    if (index % SIBLINGS === 0) head = cut(text, common - start.length)
    return [...start, ...head, ...cut(text, 1 + Math.floor(random() * LONGEST_REST))]
  })
}
