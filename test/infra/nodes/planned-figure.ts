import type { BaseModel } from '../../../catalog/base-model.ts'
import type { ModelShape } from '../../../catalog/model-shape.ts'
import { BASE_MODELS } from '../../../catalog/models/index.ts'
import { batchOf, memoryOf, tokenBytes, type Layout } from '../../../infra/nodes/memory.ts'
import { ofRow } from '../../../infra/nodes/planned-model.ts'
import type { PublishedFigure } from './published-figures.ts'

const F32 = 4

/** What the planner says of what a figure states, bytes. */
export function plannedOf(figure: PublishedFigure): number {
  const row = rowOf(figure.base)
  switch (figure.part) {
    case 'weights':
      return ofRow(row, figure.quantization).model.weights
    case 'bytes a token':
      return tokenBytes(row.shape, 'f16')
    case 'cache':
      return memoryOf({ ...row.shape, ...figure.shape }, 0, figure.layout).cache
    case 'compute':
      return Math.max(
        memoryOf(row.shape, 0, figure.layout).compute,
        logitsOf(row.shape, figure.layout),
      )
  }
}

/** Of every token of a step, with its row of the embedding. The engine here reserves those of its slots alone. */
const logitsOf = (shape: ModelShape, layout: Layout) =>
  batchOf(layout) * (shape.vocabulary + shape.embedding) * F32

function rowOf(base: string): BaseModel {
  const row = BASE_MODELS[base]
  if (row === undefined) throw new RangeError(`no base ${base} in the catalogue`)
  return row
}
