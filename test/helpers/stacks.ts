/** Stack files that tests share: the smallest local one, and an existing cluster with two models. */
export const IMAGE = `registry.example/serantau/server@sha256:${'1'.repeat(64)}`

export const LOCAL_STACK = {
  jurisdiction: { country: 'MY' },
  models: [{ id: 'smollm2-135m-instruct' }],
}

export const EXISTING_STACK = {
  jurisdiction: { country: 'MY' },
  cluster: { kind: 'existing', context: 'gov' },
  image: IMAGE,
  acceptedLicences: ['gemma'],
  models: [
    {
      id: 'smollm2-135m-instruct',
      weights: { from: 'url', url: 'https://mirror.example/smollm2.gguf' },
    },
    { id: 'gemma-3-270m', weights: { from: 'pvc', claim: 'llm', path: 'llm/gemma.gguf' } },
  ],
}
