/**
 * Prints token ids of the Universal Declaration of Human Rights in many languages as JSON, for the
 * file named by the argument. A process of its own: it loads the vocabulary natively.
 */
import { getLlama } from 'node-llama-cpp'
import type { Token } from 'node-llama-cpp'
import { ChatTokens } from '../../../server/engine/chat-tokens.ts'
import type { Chat } from '../../../server/engine/engine.ts'
import type { Bindings } from '../../../server/engine/native.ts'
import { systemPromptTokens } from '../../../server/engine/system-prompt-tokens.ts'
import { declarationIn } from './declaration.ts'

/** Twelve scripts, South-East Asia first; names are BCP 47. */
const LANGUAGES = (
  'zlm-Latn id jv su tl vi th km lo my ta zh en hi bn ne si te ml kn ur fa ar he tr sw am yo ha zu ' +
  'fr es pt-PT de-1996 it nl pl ru uk el-monoton ja ko ka hy kk mn-Cyrl'
).split(' ')

/** Of the system prompt that an operator lists. */
const SYSTEM_TOKENS = 1000

const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, maxThreads: 1 })
const model = await llama.loadModel({ modelPath: process.argv[2] ?? '', vocabOnly: true })
const texts: Record<string, number[]> = {}
for (const language of LANGUAGES) {
  texts[language] = model.tokenize(declarationIn(language))
}
const { bos, shouldPrependBosToken } = model.tokens
const start = shouldPrependBosToken && bos !== null ? [bos] : []
const withStart = (tokens: number[]) => (tokens[0] === start[0] ? tokens : [...start, ...tokens])
process.stdout.write(JSON.stringify({ start, texts, system: systemPrompt() }))
await llama.dispose()

/** The longest beginning of a text, in whole words, that is at most so many tokens as a system prompt. */
function systemPrompt(): { text: string; tokens: number[] } {
  const words = declarationIn('en').split(' ')
  const template = model.fileInfo.metadata.tokenizer?.chat_template
  const { AddonJinjaRenderer } = (llama as unknown as { _bindings: Bindings })._bindings
  const compile = () => new AddonJinjaRenderer(template ?? '')
  const chat = template === undefined ? undefined : new ChatTokens(compile, vocabulary())
  const tokenizers = {
    chat:
      chat &&
      ((messages: Chat['messages']) =>
        withStart(chat.tokenize({ messages, tools: [], variables: {} }).tokens)),
    text: (text: string): number[] => withStart(model.tokenize(text, true)),
  }
  let found = { text: '', tokens: [] as number[] }
  for (let [fits, most] = [0, words.length]; fits < most;) {
    const middle = Math.ceil((fits + most) / 2)
    const text = words.slice(0, middle).join(' ')
    const tokens = systemPromptTokens(text, tokenizers, { least: 1, most: SYSTEM_TOKENS })
    if (tokens === 'too_long') most = middle - 1
    else if (typeof tokens === 'string') throw new Error(`system prompt: ${tokens}`)
    else [fits, found] = [middle, { text, tokens }]
  }
  return found
}

function vocabulary() {
  return {
    tokenize: (text: string, special: boolean): number[] => model.tokenize(text, special),
    isSpecial: (token: number) => model.isSpecialToken(token as Token),
    controlText: (token: number) => model.detokenize([token as Token], true),
    bosText: model.tokens.bosString ?? '',
    eosText: model.tokens.eosString ?? '',
  }
}
