/** OpenAI's JSON of vectors. */
export interface Embedding {
  vector: Float32Array
  tokens: number
}

export function embeddingsBody(
  model: string,
  embeddings: readonly Embedding[],
  encoding: 'float' | 'base64',
): object {
  const tokens = embeddings.reduce((sum, each) => sum + each.tokens, 0)
  return {
    object: 'list',
    data: embeddings.map(({ vector }, index) => ({
      ...{ object: 'embedding', index },
      embedding: encoding === 'float' ? Array.from(vector) : base64Of(vector),
    })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  }
}

/** Little-endian 32-bit numbers, as OpenAI's clients decode them. */
function base64Of(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4)
  return bytes.toString('base64')
}
