import { existsSync } from 'node:fs'
import { BASE_MODELS } from '../../catalog/models/index.ts'
import type { BaseModel, ModelFile } from '../../catalog/base-model.ts'
import { KitError } from '../../catalog/errors.ts'
import { withFile, type ByteSource } from '../../weights/gguf/byte-source.ts'
import { checkHyperparameters } from '../../weights/gguf/hyperparameters.ts'
import { requireFile } from '../../weights/gguf/model-file.ts'
import { shapeOf } from '../../weights/gguf/model-shape.ts'
import { readGguf, type Gguf } from '../../weights/gguf/read-gguf.ts'
import { textOf } from '../../weights/gguf/typed-values.ts'
import { withRemoteHeader } from '../../weights/remote-header.ts'
import type { Quantized } from './instead.ts'
import type { PlannedModel } from './plan.ts'

/** A model, and the other files that there are of it. */
export interface Found {
  model: PlannedModel
  files: readonly Quantized[]
  /** Tokens that it was trained for. */
  contextSize: number | undefined
}

/**
 * A row of the catalogue by its id, a GGUF file by its path, or one behind an https URL, of which the header
 * is fetched. Throws KitError MODEL_UNKNOWN, WEIGHTS_UNAVAILABLE, WEIGHTS_CORRUPT, WEIGHTS_NOT_SERVABLE.
 */
export async function findModel(name: string, quantization?: string): Promise<Found> {
  const row = BASE_MODELS[name]
  if (row !== undefined) return ofRow(row, quantization)
  if (/^https?:\/\//.test(name)) {
    return await withRemoteHeader(name, (source) => ofHeader(name, source))
  }
  if (!existsSync(name)) throw unknown(name)
  requireFile(name)
  return withFile(name, (source) => ofHeader(name, source))
}

/** Of a row of the catalogue; absent: its first file. Throws KitError MODEL_UNKNOWN. */
export function ofRow(row: BaseModel, quantization: string | undefined): Found {
  const file = fileOf(row, quantization)
  const files = row.files.map(({ quantization: of, bytes }) => ({
    ...{ quantization: of, weights: bytes },
  }))
  return {
    model: {
      name: `${row.id} ${file.quantization}`,
      shape: row.shape,
      weights: file.bytes,
      activeShare: (row.activeParameters ?? row.parameters) / row.parameters,
    },
    files,
    contextSize: row.contextSize,
  }
}

function fileOf(row: BaseModel, quantization: string | undefined): ModelFile {
  const file = row.files.find((found) => found.quantization === quantization)
  const chosen = quantization === undefined ? row.files[0] : file
  if (chosen !== undefined) return chosen
  throw new KitError('MODEL_UNKNOWN', {
    path: '--quantization',
    expected: `one of ${row.files.map((found) => found.quantization).join(', ')}`,
    got: String(quantization),
    fix: 'choose a quantization that the catalogue has for this model',
  })
}

function ofHeader(name: string, source: ByteSource): Found {
  const gguf = readGguf(source, name)
  checkHyperparameters(gguf, source, textOf(gguf, 'general.architecture') ?? '')
  const shape = shapeOf(gguf, source)
  return {
    model: { name, shape, weights: weightBytes(gguf), activeShare: activeShare(gguf, shape) },
    files: [],
    contextSize: undefined,
  }
}

const weightBytes = ({ tensors }: Gguf) => tensors.reduce((sum, { bytes }) => sum + bytes, 0)

/** A token goes through all but the experts that are not used for it. */
function activeShare(gguf: Gguf, { experts }: PlannedModel['shape']): number {
  if (experts === undefined) return 1
  const inExperts = gguf.tensors
    .filter(({ name }) => /_exps\.weight$/.test(name))
    .reduce((sum, { bytes }) => sum + bytes, 0)
  return 1 - (inExperts / weightBytes(gguf)) * (1 - experts.used / experts.count)
}

const unknown = (name: string) =>
  new KitError('MODEL_UNKNOWN', {
    path: 'MODEL',
    expected: `an id of the catalogue (${Object.keys(BASE_MODELS).join(', ')}), a GGUF file or an https URL`,
    got: JSON.stringify(name),
    fix: 'choose one of them',
  })
