import { expect, test } from 'vitest'
import { BASE_MODELS, knownFile, parseStackFile, resolveModels } from '../../catalog/index.ts'

const SHA256 = 'a'.repeat(64)
const BYTES = 19_000_000_000

const resolve = (id: string, weights: object) =>
  resolveModels(
    parseStackFile({
      jurisdiction: { country: 'MY' },
      cluster: { kind: 'existing', context: 'gov' },
      image: `registry.example/server@sha256:${SHA256}`,
      models: [
        { id, memory: '40Gi', weights: { from: 'pvc', claim: 'w', path: 'a.gguf', ...weights } },
      ],
    }),
  )

test('a base of which the catalogue has facts alone is served with the size and digest of the stack file', () => {
  const [model] = resolve('qwen3-32b', { bytes: BYTES, sha256: SHA256 })
  expect(model?.file).toMatchObject({ bytes: BYTES, sha256: SHA256, quantization: 'Q4_K_M' })
})

test.each([{}, { bytes: BYTES }, { sha256: SHA256 }])(
  'it is refused with %j alone: a rounded size would refuse the real file',
  (weights) => {
    expect(() => resolve('qwen3-32b', weights)).toThrow('expected bytes and sha256 of the file')
  },
)

test('a digest other than the one of the catalogue is refused', () => {
  const weights = { sha256: SHA256, bytes: BYTES }
  expect(() => resolve('smollm2-135m-instruct', weights)).toThrow(/weights\.sha256: expected b179/)
})

test('`npm start` has no file of it', () => {
  expect(() => knownFile(BASE_MODELS['qwen3-32b']!)).toThrow('facts alone')
})
