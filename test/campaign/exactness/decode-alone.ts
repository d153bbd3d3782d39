/**
 * Decodes prompts alone and says how close each choice was: the prompt in as few batches as it takes, then
 * one row a step, nothing else in the context. A process of its own: `EngineOptions` is its argument, prompts come
 * over IPC.
 */
import { chooseAddon, chosenOf } from '../../../server/engine/addon.ts'
import { AnswerText } from '../../../server/engine/answer-text.ts'
import { loadModel } from '../../../server/engine/load-model.ts'
import type { EngineOptions } from '../../../server/engine/protocol.ts'
import type { Alone } from './judge.ts'

export interface AloneTask {
  prompt: readonly number[]
  maxTokens: number
}

const SLOT = 0
process.on('disconnect', () => process.exit(0))
const options = JSON.parse(process.argv[2] ?? '') as EngineOptions
const { context, vocabulary } = await loadModel(options, chosenOf(await chooseAddon()))

async function decode({ prompt, maxTokens }: AloneTask): Promise<Alone> {
  const answer: Alone = { tokens: [], gaps: [], ends: [], text: '' }
  const text = new AnswerText((ids, after) => vocabulary.detokenize(ids, after), [])
  context.truncate(SLOT, 0)
  const [before, rest] = [prompt.slice(0, -1), prompt.slice(-1)]
  for (let position = 0; position < before.length; position += context.batchSize) {
    const part = before.slice(position, position + context.batchSize)
    await context.decode([{ slot: SLOT, position, tokens: Uint32Array.from(part) }])
  }
  let tokens = Uint32Array.from(rest)
  for (let position = before.length; answer.tokens.length < maxTokens; position += tokens.length) {
    if (answer.tokens.length > 0) tokens = Uint32Array.of(answer.tokens.at(-1) ?? 0)
    const { token, margin } = await context.decodeWithMargin({ slot: SLOT, position, tokens })
    answer.gaps.push(margin)
    if (vocabulary.isEnd(token)) break
    answer.tokens.push(token)
    answer.text += text.push(token).text
    answer.ends.push(answer.text.length)
  }
  answer.text += text.flush().text
  return answer
}

process.on('message', (task: AloneTask) => {
  void decode(task).then((answer) => process.send?.(answer))
})
process.send?.('ready')
