import type { Seed } from '../seed.ts'
import { chatCompletions } from './chat-completions.ts'
import { completions } from './completions.ts'

/** Each route of answers that there is. */
export const SEEDS: readonly Seed[] = [chatCompletions, completions]
