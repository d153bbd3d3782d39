import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decide,
  type Past,
  type ScalingPolicy,
  type Sight,
} from '../../../server/gateway/scaling/decide.ts'

const POLICY: ScalingPolicy = {
  ...{ min: 0, max: 6, slots: 4, waitingPerReplica: 4 },
  ...{ waitMs: 15_000, idleMs: 60_000 },
}
const SECOND = 1000

/** A Deployment that does what is decided at once, and a clock that is turned by hand. */
class Simulation {
  readonly policy: ScalingPolicy
  atMs = 0
  replicas: number
  past: Past | undefined

  constructor(policy = POLICY, replicas = policy.min) {
    this.policy = policy
    this.replicas = replicas
  }

  look(requests: number, more: Partial<Sight> = {}): number {
    const sight = { ...{ requests, held: 0, refused: 0, finished: 0 }, ...more }
    const { atMs, replicas } = this
    const decision = decide(this.policy, this.past, { ...sight, atMs, replicas })
    this.past = decision.past
    this.replicas = decision.replicas
    return this.replicas
  }

  /** A look a second; returns what was decided last. */
  for(seconds: number, requests: number, more: (second: number) => Partial<Sight> = () => ({})) {
    for (let second = 1; second <= seconds; second++) {
      this.atMs += SECOND
      this.look(requests, more(second))
    }
    return this.replicas
  }
}

describe('the number of replicas', () => {
  test('goes up from none with the very first request', () => {
    expect(new Simulation().look(1)).toBe(1)
  })

  test('is what slots and those that may wait for them need, up to max', () => {
    const looks = [8, 9, 16, 17, 1000].map((requests) => new Simulation().look(requests))
    expect(looks).toEqual([1, 2, 2, 3, 6])
  })

  test('counts a refused request as one that waits', () => {
    expect(new Simulation(POLICY, 1).look(6, { refused: 3 })).toBe(2)
  })

  test('goes up where few wait, but for too long', () => {
    const slow = new Simulation(POLICY, 1)
    // One answer in 20 s: the four that wait would wait 80 s.
    const finished = (second: number) => ({ finished: Math.floor(second / 20) })
    expect(slow.for(19, 8, finished)).toBe(2)
    const quick = new Simulation(POLICY, 1)
    expect(quick.for(300, 8, (second) => ({ finished: second }))).toBe(1)
  })

  test('does not take a pod that is still starting for a slow one', () => {
    const starting = new Simulation(POLICY, 1)
    expect(starting.for(60, 8, () => ({ held: 8 }))).toBe(1)
  })

  test('goes down only when fewer were enough for the whole idle time', () => {
    const simulation = new Simulation()
    simulation.look(20)
    expect(simulation.replicas).toBe(3)
    expect(simulation.for(59, 2)).toBe(3)
    expect(simulation.for(2, 2)).toBe(1)
    expect(simulation.for(59, 0)).toBe(1)
    expect(simulation.for(2, 0)).toBe(0)
  })

  test('starts the idle time anew with one request', () => {
    const simulation = new Simulation(POLICY, 1)
    simulation.for(50, 0)
    simulation.look(1)
    expect(simulation.for(60, 0)).toBe(1)
    expect(simulation.for(1, 0)).toBe(0)
  })

  test('stays where nothing was seen for a while', () => {
    const simulation = new Simulation(POLICY, 1)
    simulation.for(59, 0)
    simulation.atMs += 45 * SECOND
    expect(simulation.for(59, 0)).toBe(1)
    expect(simulation.for(2, 0)).toBe(0)
  })

  test('is brought into its bounds by whoever moved it out of them', () => {
    expect(new Simulation({ ...POLICY, min: 2 }, 0).look(0)).toBe(2)
    const above = new Simulation(POLICY, 9)
    expect(above.for(61, 60)).toBe(6)
  })

  const policies = fc
    .record({
      min: fc.integer({ min: 0, max: 4 }),
      more: fc.integer({ min: 1, max: 6 }),
      slots: fc.integer({ min: 1, max: 8 }),
      waitingPerReplica: fc.integer({ min: 0, max: 10 }),
      waitMs: fc.integer({ min: 1, max: 30_000 }),
      idle: fc.integer({ min: 5, max: 60 }),
    })
    .map(({ more, idle, ...rest }) => ({ ...rest, max: rest.min + more, idleMs: idle * SECOND }))
  const load = fc.array(
    fc.record({
      requests: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 80 })),
      refused: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5 })),
      done: fc.integer({ min: 0, max: 3 }),
      seconds: fc.integer({ min: 1, max: 20 }),
    }),
    { minLength: 1, maxLength: 30 },
  )

  test('stays within its bounds, never cuts below running streams, and never flaps, whatever comes', () => {
    fc.assert(
      fc.property(policies, load, (policy, phases) => {
        const simulation = new Simulation(policy)
        let finished = 0
        let raisedMs = -Infinity
        for (const { requests, refused, done, seconds } of phases) {
          for (let second = 0; second < seconds; second++) {
            simulation.atMs += SECOND
            finished += done
            const before = simulation.replicas
            const after = simulation.look(requests, { refused, finished })
            expect(after).toBeGreaterThanOrEqual(policy.min)
            expect(after).toBeLessThanOrEqual(policy.max)
            if (requests > 0) expect(after).toBeGreaterThanOrEqual(1)
            if (after > before) raisedMs = simulation.atMs
            if (after < before) {
              expect(simulation.atMs - raisedMs).toBeGreaterThanOrEqual(policy.idleMs)
              // What runs fits into the slots of what stays.
              expect(after * policy.slots).toBeGreaterThanOrEqual(requests)
            }
            // Every request that comes while there is no room for it raises at once, up to max.
            const worth = policy.slots + policy.waitingPerReplica
            const least = Math.min(policy.max, Math.ceil((requests + refused) / worth))
            expect(after).toBeGreaterThanOrEqual(least)
          }
        }
      }),
    )
  })

  test('goes down once at most, and never up again, after the load has become steady', () => {
    fc.assert(
      fc.property(policies, load, fc.integer({ min: 0, max: 60 }), (policy, phases, steady) => {
        const simulation = new Simulation(policy)
        for (const { requests, seconds } of phases) simulation.for(seconds, requests)
        // As many answers as come: nobody waits longer than a moment.
        const finished = (second: number) => ({ finished: second * 1000 })
        const seen: number[] = []
        for (let second = 1; second <= 200; second++) {
          simulation.atMs += SECOND
          seen.push(simulation.look(steady, finished(second)))
        }
        const moves = seen.slice(1).map((replicas, index) => replicas - seen[index]!)
        const firstDown = moves.findIndex((move) => move < 0)
        const later = firstDown < 0 ? [] : moves.slice(firstDown + 1)
        expect(later.filter((move) => move > 0)).toEqual([])
      }),
    )
  })
})
