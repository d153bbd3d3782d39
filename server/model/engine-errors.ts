import { EngineError } from '../engine/engine.ts'
import type { EngineErrorCode } from '../engine/engine.ts'
import { HttpError } from '../errors.ts'

export const noEmbeddings = (model: string) =>
  new HttpError('embeddings_not_supported', {
    param: 'model',
    expected: 'a model that makes vectors',
    got: `"${model}", a model that answers`,
    fix: 'use an embedding model',
  })

/** Total by type: a new engine error that has no HTTP error does not compile. */
const TABLE: Record<
  EngineErrorCode,
  (model: string, retryAfterS: number | undefined, message: string) => HttpError
> = {
  queue_full: (_model, retryAfterS) =>
    new HttpError(
      'queue_full',
      {
        expected: 'room in the queue of this model',
        got: 'a full one',
        fix: 'try again after the seconds in Retry-After',
      },
      { retryAfterS },
    ),
  too_late: (_model, retryAfterS) =>
    new HttpError(
      'overloaded',
      {
        expected: 'a first token within the time limit of this model',
        got: 'more work before it than fits',
        fix: 'try again after the seconds in Retry-After',
      },
      { retryAfterS },
    ),
  unavailable: (_model, retryAfterS) =>
    new HttpError('model_unavailable', undefined, { retryAfterS }),
  failed: () => new HttpError('internal_error'),
  invalid_tokens: (model) =>
    new HttpError('invalid_value', {
      param: 'prompt',
      expected: `token ids of the vocabulary of "${model}"`,
      got: 'one that it does not have',
      fix: 'tokenize with this model, or send text',
    }),
  invalid_bias: (model) =>
    new HttpError('invalid_value', {
      param: 'logit_bias',
      expected: `token ids of the vocabulary of "${model}"`,
      got: 'one that it does not have',
      fix: 'tokenize with this model: POST /tokenize',
    }),
  schema_refused: (_model, _retryAfterS, message) =>
    new HttpError('unsupported_schema', {
      param: 'response_format',
      expected: 'a JSON schema that an answer can be held to',
      got: message,
      fix: 'leave the keyword out, or write it in one that is supported (docs/reference/json-schema.md)',
    }),
  not_generative: (model) =>
    new HttpError('generation_not_supported', {
      param: 'model',
      expected: 'a model that answers',
      got: `"${model}", a model that makes vectors`,
      fix: 'use POST /v1/embeddings or another model',
    }),
  no_embeddings: noEmbeddings,
  prompt_too_long: () =>
    new HttpError('context_length_exceeded', {
      expected: 'a prompt that the context holds',
      got: 'a longer one',
      fix: 'shorten the prompt',
    }),
  no_chat_template: (model) =>
    new HttpError('chat_not_supported', {
      param: 'model',
      expected: 'a model with a chat template',
      got: `"${model}", whose file has none`,
      fix: 'use POST /v1/completions or another model',
    }),
  chat_template_unusable: (model) =>
    new HttpError('chat_not_supported', {
      param: 'model',
      expected: 'a model with a chat template',
      got: `"${model}", whose file has a broken one`,
      fix: 'use POST /v1/completions or another model',
    }),
  messages_refused: (model) =>
    new HttpError('invalid_value', {
      param: 'messages',
      expected: `messages that the chat template of "${model}" takes`,
      got: 'others',
      fix: 'begin with one system message or none, then let user and assistant take turns, user first; or put the text of system into the first of user',
    }),
}

export function toHttp(error: unknown, model: string): HttpError {
  if (error instanceof HttpError) return error
  if (error instanceof EngineError) {
    return TABLE[error.code](model, error.retryAfterS, error.message)
  }
  return new HttpError('internal_error', undefined, { cause: error })
}
