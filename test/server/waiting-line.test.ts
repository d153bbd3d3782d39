import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PRIORITIES } from '../../server/engine/engine.ts'
import { RecentShares } from '../../server/engine/recent-shares.ts'
import { predictFirstTokenMs } from '../../server/engine/waiting-line.ts'
import type { Load, Waiting, WaitingLine } from '../../server/engine/waiting-line.ts'
import { add, AGING_MS, BUSY, cold, drain, IDLE, line, waiting } from '../helpers/simulated-line.ts'

/** A whole life of a queue: what comes, goes and passes, in any order. */
const stepOf = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('offer' as const),
      tenant: fc.constantFrom('a', 'b', 'c'),
      priority: fc.constantFrom(...PRIORITIES),
      promptTokens: fc.nat(3000),
      maxTokens: fc.integer({ min: 1, max: 2000 }),
      cached: fc.nat(3000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('next' as const), nth: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), which: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(4000) }) },
)

test('nothing is lost, nothing is served twice, and never more wait than may', () => {
  const lives = fc.record({
    steps: fc.array(stepOf, { maxLength: 120 }),
    maxQueued: fc.nat(12),
    freeSlots: fc.nat(2),
    firstTokenMs: fc.constantFrom(Infinity, 3000, 30_000),
  })
  fc.assert(
    fc.property(lives, ({ steps, maxQueued, freeSlots, firstTokenMs }) => {
      const queue = line({ maxQueued, firstTokenMs })
      const inside = new Map<number, Waiting>()
      let nowMs = 0
      const out = (request: Waiting) => {
        expect(inside.get(request.id)).toEqual(request)
        inside.delete(request.id)
      }
      const late = ({ arrivedMs }: Waiting) => arrivedMs + firstTokenMs <= nowMs
      for (const [id, step] of steps.entries()) {
        if (step.kind === 'pass') nowMs += step.ms
        const overdue = [...inside.values()].filter(late)
        expect(queue.expire(nowMs)).toEqual(overdue)
        overdue.forEach(out)
        if (step.kind === 'remove') {
          expect(queue.remove(step.which)).toBe(inside.delete(step.which))
        } else if (step.kind === 'next') {
          const ready = (which: number) => step.nth === 0 || which % step.nth === 0
          const next = queue.next(nowMs, cold, ready)
          expect(next === undefined).toBe(![...inside.keys()].some(ready))
          if (next) {
            expect(ready(next.id)).toBe(true)
            out(next)
          }
        } else if (step.kind === 'offer') {
          const { kind: _, cached, ...fields } = step
          const request = { ...fields, id, arrivedMs: nowMs }
          const before = queue.size
          const offer = queue.offer(request, cached, { ...BUSY, freeSlots }, nowMs)
          if (offer.admitted) inside.set(id, request)
          const gaveWay = queue.expire(nowMs)
          gaveWay.forEach(out)
          expect(gaveWay.length).toBe(offer.admitted && before === maxQueued + freeSlots ? 1 : 0)
        }
        expect(queue.size).toBe(inside.size)
        expect(queue.size).toBeLessThanOrEqual(maxQueued + freeSlots)
      }
      for (const id of drain(queue, nowMs)) out(inside.get(id)!)
      expect(inside.size).toBe(0)
    }),
    { numRuns: 500 },
  )
})

describe('the turns that a request of a tenant will wait', () => {
  const of = (tenant: string, priority: Waiting['priority'] = 'normal') =>
    waiting({ tenant, priority })
  const turn = (shares: RecentShares, request: Waiting) => {
    shares.enter(request)
    shares.leave(request)
    shares.served(request)
  }

  test('are its own turns over the share that others left it lately', () => {
    const shares = new RecentShares()
    for (let n = 0; n < 400; n++) turn(shares, of(n % 4 === 0 ? 'a' : 'b'))
    shares.enter(of('a'))
    // Of two, it may count on half, however few it took.
    expect(shares.turnsUntil(of('a'))).toBeCloseTo(4)
    expect(shares.turnsUntil(of('b'))).toBeGreaterThan(1.2)
    expect(shares.turnsUntil(of('b'))).toBeLessThan(1.5)
    expect(shares.turnsUntil(of('new'))).toBeCloseTo(3)
  })

  test('tell the priorities of a tenant apart, and forget who has not come for long', () => {
    const shares = new RecentShares()
    for (let n = 0; n < 100; n++) turn(shares, of('a', 'high'))
    expect(shares.turnsUntil(of('a', 'high'))).toBeCloseTo(1)
    expect(shares.turnsUntil(of('a', 'low'))).toBeCloseTo(2)
    for (let n = 0; n < 400; n++) turn(shares, of('b'))
    expect(shares.turnsUntil(of('b'))).toBeCloseTo(1)
  })
})

describe('of one tenant', () => {
  test('the longest cached prefix is first, and equal ones in order of arrival', () => {
    const queue = line()
    const [one, two, three, four] = [add(queue), add(queue), add(queue), add(queue)]
    const cached = new Map([
      [two, 50],
      [four, 80],
    ])
    expect(drain(queue, 0, (id) => cached.get(id) ?? 0)).toEqual([four, two, one, three])
  })

  test('one without a cached prefix is passed over until it has aged, then no more', () => {
    const queue = line()
    const old = add(queue)
    const order: number[] = []
    for (let nowMs = 100; order.at(-1) !== old && nowMs < 10_000; nowMs += 100) {
      add(queue, {}, nowMs)
      order.push(queue.next(nowMs, (id) => (id === old ? 0 : 90))!.id)
    }
    expect(order.length).toBe(AGING_MS / 100)
  })

  test('it and its like that wait for a prefill of another are passed over and stay', () => {
    const queue = line()
    const [one, two] = [add(queue), add(queue)]
    expect(queue.next(0, cold, (id) => id === two)?.id).toBe(two)
    expect(queue.next(0, cold, () => false)).toBeUndefined()
    expect([queue.size, queue.next(0, cold)?.id]).toEqual([1, one])
  })
})

describe('the predicted time to first token', () => {
  const parts = fc.record({
    ...{ requests: fc.nat(100), tokens: fc.nat(50_000), ownTokens: fc.nat(5000) },
    ...{ freeSlots: fc.nat(8), runningPrefillTokens: fc.nat(5000), msUntilFreeSlot: fc.nat(9000) },
    ...{ slotHoldMs: fc.nat(20_000), slownessMs: fc.integer({ min: 1, max: 100 }) },
    shareLost: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never
  const predict = (p: Parts) =>
    predictFirstTokenMs(
      { requests: p.requests, tokens: p.tokens, ownTokens: p.ownTokens },
      {
        ...{ slots: 8, freeSlots: p.freeSlots, slotHoldMs: p.slotHoldMs },
        ...{ prefillTokensPerMs: 1 / p.slownessMs, prefillShare: 1 - p.shareLost },
        runningPrefillTokens: p.runningPrefillTokens,
        msUntilFreeSlot: p.freeSlots > 0 ? 0 : p.msUntilFreeSlot,
      },
    )

  test('never falls when load grows', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const worst: Parts = { ...a }
        for (const key of Object.keys(a) as (keyof Parts)[]) worst[key] = Math.max(a[key], b[key])
        worst.freeSlots = Math.min(a.freeSlots, b.freeSlots)
        for (const key of Object.keys(a) as (keyof Parts)[]) {
          const worse = { ...a, [key]: worst[key] }
          expect(predict(worse)).toBeGreaterThanOrEqual(predict(a))
        }
        expect(predict(worst)).toBeGreaterThanOrEqual(predict(a))
        expect(Number.isFinite(predict(worst))).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  test('is the own prefill on an idle engine, and the turn at the slots on a busy one', () => {
    const predicted = (queue: WaitingLine, load: Load, fields: Partial<Waiting> = {}) => {
      const offer = queue.offer(waiting(fields), 0, load, 0)
      return offer.admitted ? offer.predictedFirstTokenMs : undefined
    }
    expect(predicted(line(), IDLE)).toBe(100)
    expect(predicted(line(), { ...IDLE, runningPrefillTokens: 700 })).toBe(800)
    expect(predicted(line(), { ...IDLE, freeSlots: 3, prefillShare: 0.5 })).toBe(200)
    // A slot after 500 ms, then one a second.
    const queue = line()
    expect(Array.from({ length: 4 }, () => predicted(queue, BUSY))).toEqual([600, 1600, 2600, 3600])
    expect(predicted(queue, BUSY, { priority: 'high' })).toBe(600)
    expect(predicted(queue, BUSY, { priority: 'low' })).toBe(5600)
  })

  test('refuses past the limit, with the time until it would fit as Retry-After', () => {
    const queue = line({ firstTokenMs: 3000 })
    for (let n = 0; n < 3; n++) add(queue)
    const offer = (load: Load) => queue.offer(waiting(), 0, load, 0)
    expect(offer(BUSY)).toEqual({ admitted: false, reason: 'too_late', retryAfterMs: 1000 })
    const later = { ...BUSY, msUntilFreeSlot: 12_500 }
    expect(offer(later)).toEqual({ admitted: false, reason: 'too_late', retryAfterMs: 12_600 })
    const stuck = { ...BUSY, msUntilFreeSlot: 1e7 }
    expect(offer(stuck)).toEqual({ admitted: false, reason: 'too_late', retryAfterMs: 60_000 })
    expect(queue.size).toBe(3)
  })

  test('does not hold the backlog of one tenant against another', () => {
    const queue = line({ firstTokenMs: 5000 })
    const offer = (tenant: string) => queue.offer(waiting({ tenant }), 0, BUSY, 0)
    while (offer('heavy').admitted);
    expect(queue.size).toBe(5)
    expect(offer('light')).toEqual({ admitted: true, predictedFirstTokenMs: 1600 })
  })

  test('a prompt too long for the limit is served when it waits for nobody', () => {
    const long = waiting({ promptTokens: 50_000 })
    expect(line({ firstTokenMs: 3000 }).offer(long, 0, IDLE, 0).admitted).toBe(true)
    expect(line({ firstTokenMs: 3000 }).offer(long, 0, BUSY, 0).admitted).toBe(false)
  })
})

describe('a full queue', () => {
  const offer = (queue: WaitingLine, fields: Partial<Waiting>, load = BUSY) => {
    const request = waiting(fields)
    return { id: request.id, ...queue.offer(request, 0, load, 0) }
  }

  test('refuses with Retry-After, and counts only those for whom no slot is free', () => {
    const queue = line({ maxQueued: 1 })
    const free = { ...IDLE, freeSlots: 2 }
    const admitted = Array.from({ length: 4 }, () => offer(queue, {}, free).admitted)
    expect(admitted).toEqual([true, true, true, false])
    expect(offer(line({ maxQueued: 0 }), {})).toMatchObject({
      ...{ admitted: false, reason: 'queue_full', retryAfterMs: 1000 },
    })
  })

  test('makes room for a tenant with fewer waiting and for a higher class, and says who gave way', () => {
    const queue = line({ maxQueued: 5 })
    const heavy = Array.from({ length: 5 }, () => add(queue, { tenant: 'heavy' }))
    const gone = () => queue.expire(0).map(({ id }) => id)
    expect(offer(queue, { tenant: 'light' }).admitted).toBe(true)
    expect(gone()).toEqual([heavy[4]])
    expect(offer(queue, { tenant: 'light' }).admitted).toBe(true)
    expect(gone()).toEqual([heavy[3]])
    // Three and two: one more place would only turn that round.
    for (const tenant of ['heavy', 'light']) expect(offer(queue, { tenant }).admitted).toBe(false)
    expect(offer(queue, { tenant: 'heavy', priority: 'low' }).admitted).toBe(false)
    expect(offer(queue, { tenant: 'heavy', priority: 'high' }).admitted).toBe(true)
    expect(gone().length).toBe(1)
    expect(queue.size).toBe(5)
  })

  test('one that gave way can still be removed by its client, and is then not told', () => {
    const queue = line({ maxQueued: 1 })
    const low = add(queue, { priority: 'low' })
    expect(offer(queue, { priority: 'high' }).admitted).toBe(true)
    expect(queue.remove(low)).toBe(true)
    expect(queue.expire(0)).toEqual([])
  })
})

test('a request expires at its deadline', () => {
  const queue = line({ firstTokenMs: 5000 })
  const first = add(queue)
  const second = add(queue, {}, 100)
  expect(queue.expire(4999)).toEqual([])
  expect(queue.expire(5000).map(({ id }) => id)).toEqual([first])
  expect(queue.expire(5100).map(({ id }) => id)).toEqual([second])
  expect(queue.size).toBe(0)
})

test('of ten thousand that wait, a step looks at a few', () => {
  const queue = line()
  for (let n = 0; n < 10_000; n++) add(queue, { tenant: n % 2 === 0 ? 'a' : 'b' })
  const most = { looked: 0, asked: 0 }
  for (const everyNth of [1, 50, 1000]) {
    const calls = { looked: 0, asked: 0 }
    const cached = (id: number) => {
      calls.looked++
      return id % 7
    }
    queue.next(0, cached, (id) => {
      calls.asked++
      return id % everyNth === 0
    })
    most.looked = Math.max(most.looked, calls.looked)
    most.asked = Math.max(most.asked, calls.asked)
  }
  expect(most.looked).toBeLessThanOrEqual(33)
  expect(most.asked).toBeLessThanOrEqual(3 * 256)
})

/** Slots that hold each request 2 to 6 s, on a simulated clock of 10 ms; prefill of 1 token a ms. */
function simulate(firstTokenMs: number, arrivalEveryMs: number) {
  const queue = line({ firstTokenMs, maxQueued: 1000 })
  const slots = 4
  const first = waiting().id + 1
  const endsAt: number[] = []
  const counts = { offered: 0, admitted: 0, inTime: 0, served: 0, idle: 0 }
  const random = (n: number) => (Math.imul(n, 2_654_435_761) >>> 8) % 1000
  for (let nowMs = 0; nowMs < 600_000; nowMs += 10) {
    for (const end of endsAt.filter((at) => at <= nowMs)) endsAt.splice(endsAt.indexOf(end), 1)
    if (nowMs >= counts.offered * arrivalEveryMs) {
      const load = {
        ...{ ...BUSY, slots, freeSlots: slots - endsAt.length, slotHoldMs: 4000 },
        msUntilFreeSlot: endsAt.length < slots ? 0 : Math.min(...endsAt) - nowMs,
      }
      const request = waiting({ tenant: `t${random(counts.offered) % 3}`, arrivedMs: nowMs })
      counts.offered++
      if (queue.offer(request, 0, load, nowMs).admitted) counts.admitted++
    }
    queue.expire(nowMs)
    while (endsAt.length < slots) {
      const next = queue.next(nowMs, cold)
      if (next === undefined) break
      counts.served++
      endsAt.push(nowMs + 2000 + 4 * random(next.id - first))
      if (nowMs + next.promptTokens - next.arrivedMs <= firstTokenMs) counts.inTime++
    }
    if (endsAt.length < slots && nowMs > 60_000) counts.idle++
  }
  return counts
}

test('at one and a half times what the slots bear, they stay busy and what is admitted is in time', () => {
  const { offered, admitted, inTime, idle } = simulate(10_000, 667)
  expect(offered).toBe(900)
  expect(idle).toBe(0)
  // They bear 600 of the 900 in that time.
  expect(inTime).toBeGreaterThan(0.95 * 600)
  expect(inTime).toBeGreaterThan(0.9 * admitted)
})
