import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PRIORITIES } from '../../server/engine/engine.ts'
import { WaitingLine } from '../../server/engine/waiting-line.ts'
import type { Waiting } from '../../server/engine/waiting-line.ts'
import { add, AGING_MS, BUSY, cold, drain, line, waiting } from '../helpers/simulated-line.ts'

/** What serving a request costs its tenant: uncached prompt tokens and a quarter of max_tokens. */
const costOf = (uncached: number, maxTokens: number) => Math.max(1, uncached + maxTokens / 4)
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

describe('between tenants', () => {
  const requestOf = fc.record({
    promptTokens: fc.integer({ min: 1, max: 4000 }),
    maxTokens: fc.integer({ min: 1, max: 4000 }),
    cachedShare: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  const mix = fc.array(requestOf, { minLength: 1, maxLength: 50 })

  test('while both wait, neither gets ahead by more than the dearest request of each', () => {
    const cases = fc.record({ a: mix, b: mix, c: mix, alone: fc.nat(20), away: fc.nat(60) })
    fc.assert(
      fc.property(cases, ({ a, b, c, alone, away }) => {
        const queue = line({ agingMs: Infinity })
        const costs = new Map<number, number>()
        const cached = new Map<number, number>()
        const left = { a: a.length, b: b.length, c: c.length }
        const fill = (tenant: 'a' | 'b' | 'c', requests: typeof a) => {
          for (const { promptTokens, maxTokens, cachedShare } of requests) {
            const id = add(queue, { tenant, promptTokens, maxTokens })
            cached.set(id, Math.floor(promptTokens * cachedShare))
            costs.set(id, costOf(promptTokens - cached.get(id)!, maxTokens))
          }
        }
        const dearest = (requests: typeof a) =>
          Math.max(
            ...requests.map(({ promptTokens, maxTokens, cachedShare }) =>
              costOf(promptTokens - Math.floor(promptTokens * cachedShare), maxTokens),
            ),
          )
        const served = { a: 0, b: 0, c: 0 }
        const owner = new Map<number, 'a' | 'b' | 'c'>()
        const serve = (ready?: (id: number) => boolean) => {
          const next = queue.next(0, (id) => cached.get(id)!, ready)
          if (next === undefined) return
          const tenant = next.tenant as 'a' | 'b' | 'c'
          owner.set(next.id, tenant)
          served[tenant] += costs.get(next.id)!
          left[tenant]--
        }
        // `a` has been served alone before `b` comes; `c` waits, but is not ready for a while.
        fill('c', c)
        const idsOfC = new Set(costs.keys())
        fill('a', a)
        for (let n = 0; n < Math.min(alone, a.length - 1); n++) serve((id) => !idsOfC.has(id))
        fill('b', b)
        let [least, most] = [Infinity, -Infinity]
        for (let n = 0; left.a > 0 && left.b > 0; n++) {
          least = Math.min(least, served.a - served.b)
          most = Math.max(most, served.a - served.b)
          serve((id) => n > away || !idsOfC.has(id))
        }
        least = Math.min(least, served.a - served.b)
        most = Math.max(most, served.a - served.b)
        expect(most - least).toBeLessThanOrEqual(dearest(a) + dearest(b) + 1e-6)
      }),
      { numRuns: 500 },
    )
  })

  test('one that was not ready saved nothing up: the others go on at once beside it', () => {
    const queue = line({ agingMs: Infinity })
    const held = new Set(Array.from({ length: 20 }, () => add(queue, { tenant: 'held' })))
    for (let n = 0; n < 40; n++) add(queue, { tenant: 'other' })
    for (let n = 0; n < 20; n++) queue.next(0, cold, (id) => !held.has(id))
    const tenants = Array.from({ length: 6 }, () => queue.next(0, cold)!.tenant)
    expect(tenants.filter((tenant) => tenant === 'held').length).toBeLessThanOrEqual(4)
  })

  test('one that leaves and comes again has shed no debt while others wait', () => {
    const queue = line({ agingMs: Infinity })
    for (let n = 0; n < 20; n++) add(queue, { tenant: 'steady', promptTokens: 100 })
    let [waits, greedy] = [false, 0]
    for (let n = 0; n < 15; n++) {
      // It is away for a turn after each of its own.
      if (!waits && n % 2 === 1) {
        add(queue, { tenant: 'greedy', promptTokens: 1000 })
        waits = true
      }
      if (queue.next(0, cold)!.tenant !== 'greedy') continue
      greedy++
      waits = false
    }
    expect(greedy).toBe(2)
  })

  test('a debt is forgotten when nobody waits to whom it would be owed', () => {
    const queue = line({ agingMs: Infinity })
    add(queue, { tenant: 'once', promptTokens: 100 })
    add(queue, { tenant: 'greedy', promptTokens: 9000 })
    expect(drain(queue).length).toBe(2)
    const greedy = add(queue, { tenant: 'greedy' })
    add(queue, { tenant: 'other' })
    expect(queue.next(0, cold)?.id).toBe(greedy)
  })
})

describe('priority classes', () => {
  test('are strict: high before normal before low, whoever asks', () => {
    const queue = line()
    const low = add(queue, { priority: 'low', tenant: 'x' })
    const normal = add(queue)
    const high = add(queue, { priority: 'high', promptTokens: 9000 })
    expect(drain(queue)).toEqual([high, normal, low])
  })

  test('a low request is served after two ageing times, however many high ones come', () => {
    const queue = line()
    const low = add(queue, { priority: 'low', tenant: 'quiet' })
    let servedAtMs = Infinity
    for (let nowMs = 0; nowMs < 10_000 && servedAtMs === Infinity; nowMs += 100) {
      for (const tenant of ['x', 'y']) {
        add(queue, { priority: 'high', tenant }, nowMs)
        add(queue, { priority: 'high', tenant }, nowMs)
      }
      for (let slot = 0; slot < 3; slot++) {
        if (queue.next(nowMs, cold)?.id === low) servedAtMs = nowMs
      }
    }
    expect(servedAtMs).toBeGreaterThanOrEqual(2 * AGING_MS)
    expect(servedAtMs).toBeLessThanOrEqual(2 * AGING_MS + 100)
  })

  test('by default a low one is among the high ones in half of the time to its first token', () => {
    const queue = new WaitingLine({ maxQueued: 9, firstTokenMs: 40_000 })
    add(queue, { priority: 'low', tenant: 'quiet' })
    const order = [10_000, 20_000].map((nowMs) => {
      const high = add(queue, { priority: 'high', tenant: 'loud' }, nowMs)
      const ready = (id: number) => nowMs > 10_000 || id === high
      return queue.next(nowMs, cold, ready)?.tenant
    })
    expect(order).toEqual(['loud', 'quiet'])
  })

  test('after three ageing times nothing passes a request that came two after it', () => {
    const arrival = fc.record({
      tenant: fc.constantFrom('a', 'b'),
      priority: fc.constantFrom(...PRIORITIES),
      cached: fc.nat(100),
    })
    const ticks = fc.array(fc.array(arrival, { maxLength: 3 }), { minLength: 50, maxLength: 120 })
    const tickMs = 100
    fc.assert(
      fc.property(ticks, (arrivals) => {
        const queue = line()
        const inside = new Map<number, Waiting>()
        const cached = new Map<number, number>()
        for (const [tick, group] of arrivals.entries()) {
          const nowMs = tick * tickMs
          for (const { cached: tokens, ...fields } of group) {
            const request = waiting({ ...fields, arrivedMs: nowMs })
            expect(queue.offer(request, tokens, BUSY, nowMs).admitted).toBe(true)
            inside.set(request.id, request)
            cached.set(request.id, tokens)
          }
          const next = queue.next(nowMs, (id) => cached.get(id)!)
          if (next === undefined) continue
          inside.delete(next.id)
          const passed = [...inside.values()].filter(
            ({ tenant, arrivedMs }) =>
              tenant === next.tenant &&
              nowMs - arrivedMs >= 3 * AGING_MS + 2 * tickMs &&
              next.arrivedMs - arrivedMs > 2 * AGING_MS + 2 * tickMs,
          )
          expect(passed).toEqual([])
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('nobody waits for ever', () => {
  const TICK_MS = 200
  const arrival = fc.record({
    tenant: fc.constantFrom('flood', 'flood', 'flood', 'flood', 'b', 'b', 'quiet'),
    priority: fc.constantFrom(...PRIORITIES),
    uncached: fc.integer({ min: 50, max: 200 }),
    cached: fc.nat(300),
    maxTokens: fc.integer({ min: 4, max: 200 }),
  })
  /** More than one comes in the time that one is served. */
  const ticks = fc.array(fc.array(arrival, { maxLength: 4 }), { minLength: 60, maxLength: 100 })

  interface Waits {
    request: Waiting
    cost: number
    /** Turns of anybody that may pass from then on before its own; undefined: it has not aged yet. */
    turns?: number
  }

  /**
   * Of a request that has waited the ageing time in each class up to the highest, so that none of its
   * tenant passes it that came after it was there. Until it is served its tenant has one ready all the
   * time, so each other tenant is served costs of at most those of its own tenant before it and the
   * dearest request of each of the two: so many turns, if all of these were cheap ones.
   */
  function turnsBefore(
    { request }: Waits,
    inside: readonly Waits[],
    costs: ReadonlyMap<string, number[]>,
  ): number {
    const rises = PRIORITIES.indexOf(request.priority) * AGING_MS
    const before = inside.filter(
      ({ request: other }) =>
        other.id !== request.id &&
        other.tenant === request.tenant &&
        other.arrivedMs <= request.arrivedMs + rises,
    )
    const own = sum(before.map(({ cost }) => cost)) + Math.max(...costs.get(request.tenant)!)
    const others = [...costs].filter(([tenant]) => tenant !== request.tenant)
    const turns = others.map(([, all]) => Math.floor((own + Math.max(...all)) / Math.min(...all)))
    return before.length + sum(turns)
  }

  test('each request is served within the turns that fairness leaves to others once it has aged', () => {
    const seen = { aged: 0, low: 0 }
    fc.assert(
      fc.property(ticks, (arrivals) => {
        const queue = line()
        const inside = new Map<number, Waits>()
        const cached = new Map<number, number>()
        const costs = new Map<string, number[]>()
        for (const { tenant, uncached, maxTokens } of arrivals.flat()) {
          costs.set(tenant, [...(costs.get(tenant) ?? []), costOf(uncached, maxTokens)])
        }
        for (let tick = 0; tick < arrivals.length || inside.size > 0; tick++) {
          const nowMs = tick * TICK_MS
          for (const { uncached, cached: held, ...fields } of arrivals[tick] ?? []) {
            const promptTokens = uncached + held
            const request = waiting({ ...fields, promptTokens, arrivedMs: nowMs })
            expect(queue.offer(request, held, BUSY, nowMs).admitted).toBe(true)
            inside.set(request.id, { request, cost: costOf(uncached, request.maxTokens) })
            cached.set(request.id, held)
          }
          for (const one of inside.values()) {
            const classes = PRIORITIES.indexOf(one.request.priority) + 1
            if (nowMs - one.request.arrivedMs < classes * AGING_MS) continue
            if (one.turns === undefined) seen.aged++
            one.turns ??= turnsBefore(one, [...inside.values()], costs)
          }
          const next = queue.next(nowMs, (id) => cached.get(id)!)
          expect(next === undefined).toBe(inside.size === 0)
          if (next === undefined) continue
          inside.delete(next.id)
          if (next.priority === 'low') seen.low++
          expect([...inside.values()].filter(({ turns }) => turns === 0)).toEqual([])
          for (const one of inside.values()) if (one.turns !== undefined) one.turns--
        }
      }),
      { numRuns: 100 },
    )
    expect(seen.aged).toBeGreaterThan(1000)
    expect(seen.low).toBeGreaterThan(1000)
  })
})
