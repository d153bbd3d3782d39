/** What the engine process does with a model that makes vectors: tokenizes at once, embeds in turn. */
import { KitError } from '../../catalog/errors.ts'
import { EmbeddingEngine } from './embedding-engine.ts'
import type { LoadedEmbedder } from './load-model.ts'
import type { Answer, EngineOptions, FromEngine, ToEngine } from './protocol.ts'
import { tokenizersOf, tokensFor } from './tokenizers.ts'

interface EmbeddingsOptions {
  options: EngineOptions
  loaded: LoadedEmbedder
  send: (message: FromEngine) => void
}

const NO_CACHE = { tokens: { slot: 0, memory: 0, volume: 0 }, entries: 0, bytes: 0 }
const NO_DRAFTS = { accepted: 0, rejected: 0 }
const NO_SHAPING = { padRows: 0, moves: 0, copies: 0 }

/** Says `ready` when a real vector was made twice and was the same. Never ends. */
export async function serveEmbeddings({
  options,
  loaded,
  send,
}: EmbeddingsOptions): Promise<never> {
  const { context, vocabulary, threads, vectorSize, chatTemplate } = loaded
  await selfTest(context, vocabulary.start, vectorSize)
  const warn = (warning: Extract<FromEngine, { kind: 'warning' }>['warning']) =>
    send({ kind: 'warning', warning })
  const tokenizers = tokenizersOf(loaded, options, warn)
  const engine = new EmbeddingEngine({
    ...{ context, start: vocabulary.start, maxQueued: options.maxQueued },
    report: (round) =>
      send({
        ...{ kind: 'round', ...round, kvTokens: 0, threads: threads?.used ?? options.threads },
        ...{ cache: NO_CACHE, drafts: NO_DRAFTS, shaping: NO_SHAPING },
      }),
  })
  const answer = (each: Answer) => send({ kind: 'tokens', answer: each })
  process.on('message', (sent) => {
    const message = sent as ToEngine
    const { id } = message
    if (message.kind === 'cancel') engine.cancel(id)
    else if (message.kind === 'probe') engine.probe(id)
    else if (message.kind === 'embed') engine.submit(id, vocabulary.withEnds([...message.prompt]))
    else if (message.kind === 'generate') {
      answer({ id, kind: 'error', code: 'not_generative', message: 'not_generative' })
    } else answer(tokensFor(message, tokenizers))
  })
  const { compiled, untouchedBytes } = loaded
  const { size: vocabularySize, bosText, eosText } = vocabulary
  const model = { chatTemplate, vocabularySize, bosText, eosText, embeddingSize: vectorSize }
  send({ kind: 'ready', compiled, untouchedBytes, model })
  return await engine.run()
}

async function selfTest(
  context: LoadedEmbedder['context'],
  token: number,
  size: number,
): Promise<void> {
  const [first, second] = [await context.embed([token, token]), await context.embed([token, token])]
  const isSame = first.every((value, at) => Number.isFinite(value) && value === second[at])
  if (isSame && first.length === size && first.some((value) => value !== 0)) return
  throw new KitError('ENGINE_SELF_TEST_FAILED', {
    path: 'engine self-test',
    expected: `the same vector of ${size} numbers twice`,
    got: 'another one, or none',
    fix: 'choose another file, or report it with the version of the kit',
  })
}
