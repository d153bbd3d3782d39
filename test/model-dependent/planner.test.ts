/** The planner's memory against what llama.cpp allocates: of the models here, and of all kinds by their headers. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ModelShape } from '../../catalog/model-shape.ts'
import { BASE_MODELS } from '../../catalog/models/index.ts'
import type { CacheType } from '../../catalog/cache-type.ts'
import { memoryOf, type Layout } from '../../infra/nodes/memory.ts'
import { shapeOf } from '../../weights/gguf/model-shape.ts'
import { readGguf } from '../../weights/gguf/read-gguf.ts'
import { withFile } from '../../weights/gguf/byte-source.ts'
import { allocator, type Allocator } from '../helpers/allocator.ts'
import { weightsOf } from '../helpers/real-role.ts'
import { SHAPED_ARCHITECTURES, writeShapedModel } from '../helpers/shaped-model.ts'

const LAYOUTS: Layout[] = [256, 2048, 8192].flatMap((contextSize) =>
  [1, 4, 16].flatMap((slots) =>
    (['f16', 'q8_0'] satisfies CacheType[]).flatMap((cacheType) =>
      [128, 512].map((batchSize) => ({ contextSize, slots, cacheType, batchSize })),
    ),
  ),
)

/** Where the formula was not made for the kind of model that it is asked about. */
const OTHER_KINDS_WITHIN = 0.15

const shapeIn = (file: string): { shape: ModelShape; weights: number } =>
  withFile(file, (source) => {
    const gguf = readGguf(source, file)
    const weights = gguf.tensors.reduce((sum, { bytes }) => sum + bytes, 0)
    return { shape: shapeOf(gguf, source), weights }
  })

let native: Allocator
const folder = mkdtempSync(join(tmpdir(), 'serantau-planner-'))
beforeAll(async () => {
  native = await allocator()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(['smollm2-135m-instruct', 'gemma-3-270m'])('%s', (id) => {
  it(`is planned within 5 %, its compute buffers within 10 %, in ${LAYOUTS.length} layouts`, async () => {
    const file = await weightsOf(id)
    const { shape, weights } = shapeIn(file)
    // Packed copies count twice until those that they were made of are dropped: the weights as they are planned.
    const { weightBytes } = await native.load(file, { allocate: false })
    const model = await native.load(file, { allocate: true })
    for (const layout of LAYOUTS) {
      const planned = memoryOf(shape, weights, layout)
      const actual = await model.contextBytes(layout)
      const compute = actual - planned.cache
      const name = JSON.stringify(layout)
      expect(Math.abs(planned.compute / compute - 1), `compute, ${name}`).toBeLessThan(0.1)
      const all = planned.weights + planned.cache + planned.compute
      expect(Math.abs(all / (weightBytes + actual) - 1), `all, ${name}`).toBeLessThan(0.05)
    }
    await model.dispose()
  })
})

const OTHERS = Object.values(BASE_MODELS).filter(
  ({ verified, shape }) =>
    verified !== 'served here' && SHAPED_ARCHITECTURES.includes(shape.architecture),
)

describe('bases of the catalogue, by headers as converters write them', () => {
  it('are of every kind that the helper knows', () => {
    const kinds = new Set(OTHERS.map(({ shape }) => shape.architecture))
    expect([...kinds].sort()).toEqual([...SHAPED_ARCHITECTURES].sort())
  })

  it.each(OTHERS)('$id has the shape that its header says', ({ shape }) => {
    const file = join(folder, 'shape.gguf')
    writeShapedModel(file, shape)
    expect(shapeIn(file).shape).toEqual(shape)
  })

  it.each(OTHERS)('$id is planned as llama.cpp plans it', async ({ shape }) => {
    const file = join(folder, 'planned.gguf')
    writeShapedModel(file, shape)
    const { weights } = shapeIn(file)
    const model = await native.load(file, { allocate: false })
    for (const layout of LAYOUTS) {
      const planned = memoryOf(shape, weights, layout)
      const actual = await model.contextBytes(layout)
      const name = JSON.stringify(layout)
      const compute = planned.compute / (actual - planned.cache)
      expect(Math.abs(compute - 1), `compute, ${name}`).toBeLessThan(OTHER_KINDS_WITHIN)
      const all = planned.weights + planned.cache + planned.compute
      expect(Math.abs(all / (model.weightBytes + actual) - 1), `all, ${name}`).toBeLessThan(0.01)
    }
    await model.dispose()
  })
})
