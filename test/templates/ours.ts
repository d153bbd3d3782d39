import { ChatTokens, TemplateError } from '../../server/engine/chat-tokens.ts'
import type { Vocabulary } from '../../server/engine/chat-tokens.ts'
import type { Bindings, NativeTemplate } from '../../server/engine/native.ts'
import { TOKENS } from './reference.ts'
import type { Asked, Rendering } from './reference.ts'

/** Each character is a token, and none is a control token: the prompt is the text that was rendered. */
const CHARACTERS: Vocabulary = {
  tokenize: (text) => Array.from(text, (char) => char.codePointAt(0) ?? 0),
  isSpecial: () => false,
  controlText: () => '',
  bosText: TOKENS.bos_token,
  eosText: TOKENS.eos_token,
}

/** The renderings as the engine tokenizes them. */
export function renderedByEngine(
  { AddonJinjaRenderer }: Pick<Bindings, 'AddonJinjaRenderer'>,
  template: string,
  asked: readonly Asked[],
): Rendering[] {
  const compile = (generationPrompt: boolean) => (): NativeTemplate => {
    const native = new AddonJinjaRenderer(template)
    // Clients of ours always want an answer.
    return {
      render: (variables) =>
        native.render({ ...variables, add_generation_prompt: generationPrompt }),
    }
  }
  const chats = [false, true].map((on) => attempt(() => new ChatTokens(compile(on), CHARACTERS)))
  return asked.map((chat) => {
    const tokens = chats[chat.generationPrompt ? 1 : 0]
    if (tokens === undefined || 'error' in tokens) return { error: tokens?.error ?? '' }
    const rendered = attempt(() => tokens.value.tokenize(chat))
    if ('error' in rendered) return rendered
    return { text: rendered.value.tokens.map((char) => String.fromCodePoint(char)).join('') }
  })
}

function attempt<Value>(work: () => Value): { value: Value } | { error: string } {
  try {
    return { value: work() }
  } catch (error) {
    if (error instanceof TemplateError) return { error: error.message }
    throw error
  }
}
