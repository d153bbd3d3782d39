import { corrupt, shown } from './problems.ts'
import type { Gguf, GgufTensor } from './read-gguf.ts'

/** Added to or multiplied with what flows, element by element: llama.cpp has code for this type alone. */
const ELEMENTWISE =
  /(_norm\.weight|\.bias|^token_types\.weight|\.ssm_conv1d\.weight|\.ssm_a|\.scale)$/
/** A table of numbers that are looked up. */
const INDEXES = /\.ffn_gate_tid2eid\.weight$/

/**
 * A tensor of a type that llama.cpp has no code for where it is used ends the process when a token is
 * decoded: by an assertion, or by a jump to no address. Throws KitError WEIGHTS_CORRUPT.
 */
export function checkWeightTypes(gguf: Gguf): void {
  for (const tensor of gguf.tensors) {
    const expected = expectedOf(tensor)
    if (expected === undefined) continue
    const field = `byte ${tensor.at}, tensor ${shown(tensor.name)}`
    throw corrupt(gguf.name, field, expected, tensor.type.name)
  }
}

/** undefined: its type is one that can be there. */
function expectedOf({ name, shape, type }: GgufTensor): string | undefined {
  if (INDEXES.test(name)) return type.name === 'I32' ? undefined : 'values of type I32'
  if (shape.length === 1 || ELEMENTWISE.test(name)) {
    return type.name === 'F32' ? undefined : 'values of type F32'
  }
  return type.weights ? undefined : 'a type that weights can have'
}
