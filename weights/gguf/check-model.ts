import type { ByteSource } from './byte-source.ts'
import { checkHyperparameters } from './hyperparameters.ts'
import { notServable } from './problems.ts'
import type { Gguf } from './read-gguf.ts'
import { textOf, wrongValue } from './typed-values.ts'
import { describe } from './values.ts'
import { checkVocabulary } from './vocabulary.ts'
import { checkWeightTypes } from './weight-types.ts'

const ARCHITECTURE = /^[a-z0-9][a-z0-9._-]{0,63}$/
/** Eyes or ears of a model, and such as guess for another: llama.cpp serves none of them alone. */
const PARTS_OF_MODELS = ['clip', 'eagle3', 'dflash', 'gemma4-assistant']

/**
 * Whether a GGUF file is a whole model with its tokenizer, which native code may load. Throws KitError:
 * WEIGHTS_CORRUPT where it breaks a rule, WEIGHTS_NOT_SERVABLE where it is sound and something else.
 */
export function checkModel(gguf: Gguf, source: ByteSource): void {
  checkKind(gguf)
  const architecture = textOf(gguf, 'general.architecture')
  if (architecture === undefined || !ARCHITECTURE.test(architecture)) {
    throw wrongValue(gguf, 'general.architecture', 'the name of one')
  }
  checkHyperparameters(gguf, source, architecture)
  checkWeightTypes(gguf)
  checkVocabulary(gguf, source)
}

function checkKind(gguf: Gguf): void {
  const { metadata, tensors } = gguf
  const type = textOf(gguf, 'general.type') ?? 'model'
  if (type !== 'model') throw other(gguf, 'general.type', '"model"')
  if (metadata.has('adapter.type')) throw other(gguf, 'adapter.type', 'none, as a model has')
  if (PARTS_OF_MODELS.includes(textOf(gguf, 'general.architecture') ?? '')) {
    throw other(gguf, 'general.architecture', 'that of a whole model')
  }
  const parts = metadata.get('split.count')
  if (parts !== undefined && (parts.type === 'array' || Number(parts.value) > 1)) {
    const fix = 'join the parts with llama-gguf-split --merge'
    throw other(gguf, 'split.count', 'a model in one file', fix)
  }
  if (tensors.length === 0) throw notServable(gguf.name, 'tensors', 'at least one', 'none')
}

const other = (gguf: Gguf, key: string, expected: string, fix?: string) =>
  notServable(gguf.name, `"${key}"`, expected, describe(gguf.metadata.get(key)), fix)
