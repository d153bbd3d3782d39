import { expect, test } from 'vitest'
import { BASE_MODELS } from '../../catalog/index.ts'
import type { BaseModel } from '../../catalog/index.ts'

const rows = Object.entries(BASE_MODELS)
/** In a small model the embedding, which is quantized less, outweighs the layers. */
const large = rows.filter(([, { parameters }]) => parameters > 1e9)
/** With latent attention (MLA) the matrices between embedding and cache are not in the shape. */
const latent = (row: BaseModel) => row.shape.caches.some(({ valueWidth }) => valueWidth === 0)
/** Architectures whose layers keep the keys of an indexer beside their cache. */
const INDEXED = new Set(['deepseek32'])

test.each(rows)('every layer of %s keeps one thing, or two where an indexer picks', (_, row) => {
  const { architecture, caches, layers, states } = row.shape
  const kept = [...caches, ...(states ? [states] : [])].reduce((sum, each) => sum + each.layers, 0)
  expect(kept).toBe(INDEXED.has(architecture) ? 2 * layers : layers)
})

test.each(rows)('a key that %s keeps is of whole heads, which share its query heads', (_, row) => {
  const { caches, heads, keyLength, valueLength } = row.shape
  const [first] = caches
  if (latent(row)) {
    expect(first).toMatchObject({ keyWidth: keyLength, valueWidth: 0 })
    expect(valueLength).toBeLessThan(keyLength)
    return
  }
  for (const { keyWidth, valueWidth } of caches) {
    const kept = keyWidth / keyLength
    expect(heads % kept).toBe(0)
    expect(valueWidth).toBe(kept * valueLength)
  }
})

test.each(rows)('a token goes through a part of %s only if it has experts', (_, row) => {
  const { experts, feedForward, layers } = row.shape
  expect(row.activeParameters === undefined).toBe(experts === undefined)
  if (experts === undefined) return
  expect(row.activeParameters).toBeLessThan(row.parameters)
  expect(experts.used).toBeLessThan(experts.count)
  expect(experts.layers < layers).toBe(feedForward > 0)
})

test.each(rows)('the parameters of %s follow from its shape', (_, row) => {
  const embedding = row.shape.vocabulary * row.shape.embedding
  const rest = row.parameters - toldParameters(row)
  if (latent(row)) {
    expect(rest).toBeGreaterThan(embedding)
    expect(rest).toBeLessThan(0.05 * row.parameters)
    return
  }
  // Norms and biases are left, and the output's matrix where it is not the embedding's.
  const outputs = Math.floor(rest / embedding)
  expect([0, 1]).toContain(outputs)
  expect(rest - outputs * embedding).toBeLessThan(0.002 * embedding)
})

test.each(large)('the files of %s have as many bits as their quantization says', (_, row) => {
  const bits = (quantization: string) =>
    (8 * (row.files.find((file) => file.quantization === quantization)?.bytes ?? 0)) /
    row.parameters
  expect(bits('Q4_K_M')).toBeGreaterThan(4)
  expect(bits('Q4_K_M')).toBeLessThan(5.6)
  expect(bits('Q8_0')).toBeGreaterThan(8)
  expect(bits('Q8_0')).toBeLessThan(9)
})

test('who accepts a licence by its id accepts one text', () => {
  const asked = rows.map(([, { licence }]) => licence).filter((row) => row.acceptanceRequired)
  const texts = new Map(asked.map(({ id, document }) => [id, document]))
  expect(asked.map(({ id }) => texts.get(id))).toEqual(asked.map(({ document }) => document))
})

/** Of the embedding, the feed-forward layers, the experts with what picks them, and whole heads. */
function toldParameters({ shape }: BaseModel): number {
  const { caches, embedding, experts, feedForward, heads, keyLength, layers, valueLength } = shape
  const gated = (width: number) => 3 * embedding * width
  const dense = (layers - (experts?.layers ?? 0)) * gated(feedForward)
  const sparse = experts
    ? experts.layers *
      (gated(experts.count * experts.feedForward + experts.shared) + embedding * experts.count)
    : 0
  const attention = caches
    .filter(({ valueWidth }) => valueWidth > 0)
    .map(
      ({ layers: count, keyWidth, valueWidth }) =>
        count * embedding * (heads * (keyLength + valueLength) + keyWidth + valueWidth),
    )
  return shape.vocabulary * embedding + dense + sparse + attention.reduce((a, b) => a + b, 0)
}
