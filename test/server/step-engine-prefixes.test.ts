import { describe, expect, test } from 'vitest'
import type { GenerateRequest } from '../../server/engine/engine.ts'
import { live, request, solo } from '../helpers/simulated-engine.ts'
import type { Arrival, Life } from '../helpers/simulated-engine.ts'
import {
  answering,
  DIPPED,
  expectSolo,
  prefilled,
  slotsOf,
  tokens,
} from '../helpers/simulated-requests.ts'

describe('prefixes', () => {
  const prefix = tokens(500, 5)
  const burst = (count: number, fields: Partial<GenerateRequest> = {}) =>
    Array.from({ length: count }, (_, id): Arrival => ({
      ...{ id, atMs: 0 },
      request: request({ prompt: [...prefix, ...tokens(9, id + 20)], maxTokens: 6, ...fields }),
    }))
  const held = ({ told }: Life) => [...told.values()].map(({ pieces }) => pieces[0]!.cachedTokens!)

  test('of a cold burst are evaluated once: the others wait for the first, then copy', async () => {
    const context = slotsOf(16)
    const arrivals = burst(16)
    const life = await live(context, { table: DIPPED }, arrivals)
    for (const { id, request: asked } of arrivals) expectSolo(life.told.get(id), asked)
    expect(held(life).filter((cached) => cached >= 500).length).toBe(15)
    expect(prefilled(context)).toBeLessThanOrEqual(509 + 15 * 9)
    expect(context.copies).toBeGreaterThanOrEqual(15)
  })

  test('are evaluated by each where nothing can be dropped, and nobody waits for nothing', async () => {
    const context = slotsOf(16)
    context.canTruncate = false
    const life = await live(context, { canTruncate: false, shaping: false }, burst(4))
    expect(held(life)).toEqual([0, 0, 0, 0])
    expect(context.steps[0]?.parts.map(({ slot }) => slot)).toEqual([0, 1])
  })

  test.each([
    ['another tenant', { tenant: 'b' }],
    ['another adapter', { adapter: 'x' }],
  ])('never serve %s; the same one is the control', async (_name, fields) => {
    const later = (more: Partial<GenerateRequest>) =>
      live(slotsOf(4), {}, [
        burst(1)[0]!,
        { id: 9, atMs: 60_000, request: request({ prompt: [...prefix, 1], ...more }) },
      ])
    expect(held(await later({}))).toEqual([0, 500])
    expect(held(await later(fields))).toEqual([0, 0])
  })

  test('of another tenant are waited for by nobody', async () => {
    const context = slotsOf(4)
    const [one, two] = burst(2)
    await live(context, { table: DIPPED }, [
      one!,
      { ...two!, request: { ...two!.request, tenant: 'b' } },
    ])
    expect(context.steps[0]?.parts.map(({ slot }) => slot)).toEqual([0, 1])
  })

  test('are followed by another leader when the first leaves in the middle', async () => {
    const context = slotsOf(8, { batchSize: 64 })
    const arrivals = burst(6)
    arrivals[0]!.cancelAtMs = 500
    const { told } = await live(context, {}, arrivals)
    expect(told.get(0)?.pieces).toEqual([])
    for (const { id, request: asked } of arrivals.slice(1)) expectSolo(told.get(id), asked)
    // What the first had read is read once, and so is the rest.
    expect(prefilled(context)).toBeLessThanOrEqual(500 + 6 * 9 + 5)
  })

  test('serve a conversation that goes on, in whichever slot', async () => {
    const context = slotsOf(4)
    const first = request({ prompt: tokens(90, 3), maxTokens: 12, ignoreEos: true })
    const second = { ...first, prompt: [...first.prompt, ...solo(first).tokens, 1, 2, 3] }
    const { told } = await live(context, {}, [
      { id: 1, atMs: 0, request: first },
      { id: 2, atMs: 9000, request: second },
    ])
    // The last token of an answer is never decoded.
    expect(told.get(2)?.pieces[0]?.cachedTokens).toBe(90 + 11)
    expectSolo(told.get(2), second)
    expect(context.copies).toBe(0)
  })
})

test('a conversation goes on in its own slot where that lies beside the others', async () => {
  const context = slotsOf(4)
  const said = tokens(60, 9)
  const turn = (prompt: number[]) => request({ prompt, maxTokens: 1, tenant: 'b' })
  const { told } = await live(context, { shaping: false }, [
    { id: 1, atMs: 0, request: answering(2) },
    { id: 2, atMs: 0, request: turn(said) },
    { id: 3, atMs: 0, request: answering(300, { ignoreEos: true }) },
    { id: 4, atMs: 1500, request: turn([...said, ...tokens(10, 3)]) },
  ])
  expect(told.get(4)?.pieces[0]?.cachedTokens).toBeGreaterThanOrEqual(60)
  expect(context.copies).toBe(0)
})
