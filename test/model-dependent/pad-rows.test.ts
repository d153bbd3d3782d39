import { expect, test } from 'vitest'
import { chooseAddon, chosenOf } from '../../server/engine/addon.ts'
import { GREEDY, type Part } from '../../server/engine/decode-context.ts'
import { loadModel } from '../../server/engine/load-model.ts'
import { engineOptions } from '../campaign/open-engine.ts'

const STREAMS = 4
const ROWS = 6
/** Tokens that slots hold, of streams and of answers that ended. */
const HELD = 8

/**
 * A first attempt at padding ended in "Eval has failed" at six streams. This gives the same: llama.cpp
 * takes only the next position of a sequence, and slots beside the streams hold what the last answer left.
 */
test('a pad row stands at the next position of its slot; at the first one llama.cpp refuses the batch', async () => {
  const options = await engineOptions('gemma', { slots: ROWS })
  const { context } = await loadModel(options, chosenOf(await chooseAddon()))
  const tokensOf = (slot: number) =>
    Uint32Array.from({ length: HELD }, (_, at) => 1000 + 97 * slot + at)
  for (let slot = 0; slot < ROWS; slot++) {
    await context.decode([{ slot, position: 0, tokens: tokensOf(slot) }])
  }
  const sampler = context.takeSampler(GREEDY)
  const row = (slot: number): Part => ({
    slot,
    position: HELD,
    tokens: Uint32Array.of(1000),
    sampler,
  })
  const pad = (slot: number, position: number): Part => ({
    ...{ slot, position, tokens: Uint32Array.of(1000), pad: true },
  })
  const streams = Array.from({ length: STREAMS }, (_, slot) => row(slot))
  const step = async (...pads: Part[]) => {
    const sampled = await context.decode([...streams, ...pads])
    for (let slot = 0; slot < STREAMS; slot++) context.truncate(slot, HELD)
    return sampled
  }
  const alone = await step()
  await expect(step(pad(4, 0), pad(5, 0))).rejects.toThrow('Eval has failed')
  for (let slot = 0; slot < STREAMS; slot++) context.truncate(slot, HELD)
  expect(await step(pad(4, HELD), pad(5, HELD))).toEqual(alone)
  expect(context.lengthOf(4)).toBe(HELD)
})
