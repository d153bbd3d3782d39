import type { FastifyInstance } from 'fastify'
import {
  detokenizedBody,
  parseDetokenizeRequest,
  parseTokenizeRequest,
  tokenizedBody,
} from '../openai/tokenize-request.ts'
import type { TokenizeRequest } from '../openai/tokenize-request.ts'
import { toHttp } from './engine-errors.ts'
import { checkModel, readRequest, tokensOf } from './generation.ts'
import type { ModelRoutesOptions } from './generation.ts'

/** Tokens of texts and texts of tokens, as vLLM and llama-server answer them. */
export function registerTokenRoutes(app: FastifyInstance, options: ModelRoutesOptions): void {
  const { config, engine } = options
  const { contextSize, id } = config.model
  app.post('/tokenize', async (request) => {
    const wanted = readRequest(request, parseTokenizeRequest)
    if (wanted.model !== undefined) checkModel(wanted.model, config)
    const tokens = await tokensOfText(options, wanted)
    const texts = wanted.withTexts ? await engine.textsOf(tokens) : undefined
    return tokenizedBody(tokens, contextSize, texts)
  })
  app.post('/detokenize', async (request) => {
    const wanted = readRequest(request, parseDetokenizeRequest)
    if (wanted.model !== undefined) checkModel(wanted.model, config)
    return detokenizedBody(await tokensOf(engine.detokenize(wanted.tokens), 'tokens', config))
  })
  app.get('/tokenizer_info', async () => {
    const known = await engine.describe().catch((error: unknown) => {
      throw toHttp(error, id)
    })
    return {
      tokenizer_class: 'gguf',
      model_max_length: contextSize,
      vocab_size: known.vocabularySize,
      bos_token: known.bosText === '' ? null : known.bosText,
      eos_token: known.eosText === '' ? null : known.eosText,
      chat_template: known.chatTemplate ?? null,
    }
  })
}

async function tokensOfText(
  { engine, config }: ModelRoutesOptions,
  wanted: TokenizeRequest,
): Promise<number[]> {
  if ('messages' in wanted) {
    const { messages, tools } = wanted
    const chat = { messages, tools, variables: {} }
    return (await tokensOf(engine.tokenizeChat(chat), 'messages', config)).tokens
  }
  const { text, withStart } = wanted
  return await tokensOf(engine.tokenizePrompt(text, withStart), 'prompt', config)
}
