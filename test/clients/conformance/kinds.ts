/** What is answered, and which schema of each document it is held to. */
interface Schemas {
  openai: string
  ours: string
}

const kinds = {
  chat: { openai: 'CreateChatCompletionResponse', ours: 'ChatCompletion' },
  'chunk of a chat': { openai: 'CreateChatCompletionStreamResponse', ours: 'ChatCompletionChunk' },
  completion: { openai: 'CreateCompletionResponse', ours: 'Completion' },
  'chunk of a completion': { openai: 'CreateCompletionResponse', ours: 'Completion' },
  response: { openai: 'Response', ours: 'Response' },
  'event of a response': { openai: 'ResponseStreamEvent', ours: 'ResponseEvent' },
  embeddings: { openai: 'CreateEmbeddingResponse', ours: 'Embeddings' },
  model: { openai: 'Model', ours: 'Model' },
  models: { openai: 'ListModelsResponse', ours: 'Models' },
  error: { openai: 'ErrorResponse', ours: 'Error' },
} satisfies Record<string, Schemas>

export type Kind = keyof typeof kinds
export const KINDS: Readonly<Record<Kind, Schemas>> = kinds
