import { KitError } from '../../catalog/errors.ts'
import { GREEDY } from './decode-context.ts'
import type { DecodeContext, Part } from './decode-context.ts'
import type { DecodeSlots } from './decode-slots.ts'
import type { Vocabulary } from './vocabulary.ts'

export type TestedSlots = DecodeSlots & Pick<DecodeContext, 'lengthOf' | 'decodeWithMargin'>

export interface Abilities {
  /** Cells at the end of a slot can be dropped: recurrent models cannot, so they share no prefix. */
  canTruncate: boolean
}

const LENGTH = 8
/** Rows beside others are summed up in another order, which may turn a choice as close as a tie. */
const CLEAR_MARGIN = 0.1
/** Prompts that are tried until one has a clear answer; distances between their tokens. */
const STRIDES = [97, 89, 83, 79]

/**
 * Proves at every start what the loop relies on: the same rows give the same token, a copy answers as
 * its source, a pad row leaves nothing behind. Decodes real tokens, so it also proves that the model
 * answers. Leaves all slots empty. Throws KitError ENGINE_SELF_TEST_FAILED.
 */
export async function selfTest(
  context: TestedSlots,
  vocabulary: Pick<Vocabulary, 'start' | 'size'>,
): Promise<Abilities> {
  const sampler = context.takeSampler(GREEDY)
  const ask = async (parts: Part[]) => (await context.decode(parts))[0]?.[0] ?? -1
  const { last, whole } = await askClearly(context, vocabulary)
  expectEqual('tokens held after a prompt', LENGTH, context.lengthOf(0))
  require('a token of the vocabulary', whole >= 0 && whole < vocabulary.size)
  const canTruncate = context.truncate(0, LENGTH - 1) && context.lengthOf(0) === LENGTH - 1
  if (canTruncate) {
    const again = await ask([{ slot: 0, position: LENGTH - 1, tokens: last, sampler }])
    expectEqual('the token after a dropped cell', whole, again)
    if (context.slots > 1) await testTwoSlots(context, last, { whole, sampler })
  }
  for (let slot = 0; slot < Math.min(2, context.slots); slot++) context.truncate(slot, 0)
  context.returnSampler(sampler)
  return { canTruncate }
}

/** The last token of a prompt, which slot 0 holds then, and the one that follows by a clear margin. */
async function askClearly(
  context: TestedSlots,
  vocabulary: Pick<Vocabulary, 'start' | 'size'>,
): Promise<{ last: Uint32Array; whole: number }> {
  let asked = { last: Uint32Array.of(vocabulary.start), whole: -1 }
  for (const stride of STRIDES) {
    context.truncate(0, 0)
    const tokens = Uint32Array.from({ length: LENGTH }, (_, at) =>
      at === 0 ? vocabulary.start : (at * stride) % vocabulary.size,
    )
    const { token, margin } = await context.decodeWithMargin({ slot: 0, position: 0, tokens })
    asked = { last: tokens.slice(-1), whole: token }
    if (margin >= CLEAR_MARGIN) break
  }
  return asked
}

async function testTwoSlots(
  context: TestedSlots,
  last: Uint32Array,
  { whole, sampler }: { whole: number; sampler: NonNullable<Part['sampler']> },
): Promise<void> {
  await context.copy(1, 0)
  expectEqual('tokens held by a copy', LENGTH, context.lengthOf(1))
  context.truncate(0, LENGTH - 1)
  context.truncate(1, LENGTH - 1)
  const position = LENGTH - 1
  const [fromCopy] = await context.decode([
    { slot: 0, position, tokens: last, pad: true },
    { slot: 1, position, tokens: last, sampler },
  ])
  expectEqual('the token of a copy beside a pad row', whole, fromCopy?.[0] ?? -1)
  expectEqual('tokens held after a pad row', LENGTH - 1, context.lengthOf(0))
}

function expectEqual(what: string, expected: number, got: number): void {
  if (expected !== got) throw failed(`${what}: ${expected}`, String(got))
}

function require(what: string, holds: boolean): void {
  if (!holds) throw failed(what, 'none')
}

const failed = (expected: string, got: string) =>
  new KitError('ENGINE_SELF_TEST_FAILED', {
    path: 'engine self-test',
    expected,
    got,
    fix: 'use the pinned version of node-llama-cpp, and build the compiled engine anew or remove it',
  })
