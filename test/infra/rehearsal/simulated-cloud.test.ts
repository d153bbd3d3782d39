import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { ACCELERATOR_IDS } from '../../../catalog/accelerator.ts'
import { type KarpenterPool, KarpenterPoolSchema } from '../../../catalog/node-pool.ts'
import { ABROAD, simulatedCloud, typeName } from '../../../infra/rehearsal/simulated-cloud.ts'

const poolOf = (fields: Partial<z.input<typeof KarpenterPoolSchema>>): KarpenterPool =>
  KarpenterPoolSchema.parse({
    name: 'pool',
    provisioner: 'karpenter',
    accelerator: 'nvidia-l40s',
    max: 8,
    nodeClassRef: { group: 'karpenter.kwok.sh', kind: 'KWOKNodeClass', name: 'default' },
    ...fields,
  })
const L40S = poolOf({})
const MALAYSIA = { country: 'MY', regions: ['my-central-1'], zones: [] }

/** `zone price` of each offering. */
const soldBy = (pools: KarpenterPool[], jurisdiction = MALAYSIA, prices = {}) =>
  Object.fromEntries(
    simulatedCloud(pools, jurisdiction, prices).map(({ name, offerings }) => [
      name,
      offerings.map(({ Price, Requirements }) => `${Requirements[2]?.values[0]} ${Price}`),
    ]),
  )

describe('the simulated cloud', () => {
  it("sells a pool's card in 1, 2, 4 and 8 in two zones of the region, and for half abroad", () => {
    const sold = soldBy([L40S], MALAYSIA, { 'nvidia-l40s': 2 })
    expect(Object.keys(sold)).toEqual([1, 2, 4, 8].map((count) => typeName(L40S, count)))
    expect(sold['nvidia-l40s.x4']).toEqual([
      'my-central-1a 8',
      'my-central-1b 8',
      `${ABROAD.zone} 4`,
    ])
  })

  it('has the resource of the card as often as the machine has cards', () => {
    const [, two] = simulatedCloud([L40S], MALAYSIA, {})
    expect(two?.resources['nvidia.com/gpu']).toBe('2')
  })

  it('sells slices instead of whole cards to a pool of slices', () => {
    const pool = poolOf({ accelerator: 'nvidia-h100', slice: '1g.10gb' })
    const [one] = simulatedCloud([pool], MALAYSIA, {})
    expect(one?.resources).toMatchObject({ 'nvidia.com/mig-1g.10gb': '7' })
    expect(one?.resources).not.toHaveProperty('nvidia.com/gpu')
  })

  it('sells the instance types that a pool names, with the cards that it says', () => {
    const pool = poolOf({ instanceTypes: ['g6e.12xlarge'], cards: 4 })
    const types = simulatedCloud([pool], MALAYSIA, {})
    expect(types.map(({ name }) => name)).toEqual(['g6e.12xlarge'])
    expect(types[0]?.resources['nvidia.com/gpu']).toBe('4')
  })

  it('sells one offering for a zone that two pools of a card share', () => {
    const other = poolOf({ name: 'more', zones: ['my-central-1b', 'my-central-1c'] })
    const sold = soldBy([L40S, other])
    expect(sold['nvidia-l40s.x1']?.map((line) => line.split(' ')[0])).toEqual([
      ...['my-central-1a', 'my-central-1b', ABROAD.zone, 'my-central-1c'],
    ])
  })

  it('sells nothing in a closed zone', () => {
    const types = simulatedCloud([L40S], MALAYSIA, {}, new Set(['my-central-1a']))
    expect(types[0]?.offerings.map(({ Requirements }) => Requirements[2]?.values[0])).toEqual([
      ...['my-central-1b', ABROAD.zone],
    ])
  })

  it('offers nothing of a capacity type that the pools did not ask for, whatever they are', () => {
    const pools = fc
      .record({
        accelerator: fc.constantFrom(...ACCELERATOR_IDS),
        cards: fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
        zones: fc.subarray(['my-central-1a', 'my-central-1b']),
        capacityTypes: fc.subarray(['on-demand' as const, 'spot' as const], { minLength: 1 }),
      })
      .map(poolOf)
    fc.assert(
      fc.property(pools, (pool) => {
        const types = simulatedCloud([pool], MALAYSIA, {})
        const offered = new Set(
          types.flatMap(({ offerings }) =>
            offerings.map(({ Requirements }) => Requirements[0]?.values[0]),
          ),
        )
        expect(offered).toEqual(new Set(pool.capacityTypes))
        expect(new Set(types.map(({ name }) => name)).size).toBe(types.length)
      }),
    )
  })
})
