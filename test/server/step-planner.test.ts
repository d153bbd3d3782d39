import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CostTable, UNKNOWN_COST } from '../../server/engine/cost-table.ts'
import {
  chooseSlot,
  costOf,
  planDecode,
  planMoves,
  planPrefill,
} from '../../server/engine/step-planner.ts'
import type { SlotView } from '../../server/engine/step-planner.ts'
import { runsOf } from '../helpers/simulated-slots.ts'

/** Milliseconds at rows that were measured; those between lie on a line. */
function tableOf(measured: Record<number, number>): CostTable {
  const rows = Object.keys(measured).map(Number)
  const ms = Array.from({ length: Math.max(...rows) }, (_, at) => {
    const above = rows.find((row) => row >= at + 1)!
    const below = rows.findLast((row) => row <= at + 1)!
    const share = above === below ? 0 : (at + 1 - below) / (above - below)
    return measured[below]! + share * (measured[above]! - measured[below]!)
  })
  return new CostTable(ms)
}

const perSecond = (rates: Record<number, number>) =>
  tableOf(
    Object.fromEntries(
      Object.entries(rates).map(([rows, rate]) => [rows, (Number(rows) / rate) * 1000]),
    ),
  )

/** gemma-3-270m Q4_K_M on two cores of an EPYC. */
const EPYC = tableOf({
  ...{ 1: 12.6, 2: 24.1, 3: 37.1, 4: 31.1, 6: 64.2, 7: 64, 8: 43.2, 12: 66, 16: 66 },
})
/** The same file on two cores of a Xeon. */
const XEON = perSecond({
  ...{ 1: 53, 2: 76, 3: 97, 4: 120, 5: 101, 6: 107, 7: 117, 8: 161, 12: 176, 16: 189 },
})
/** SmolLM2-135M Q4_1 there: no dip. */
const SMOLLM2 = perSecond({
  ...{ 1: 89, 2: 103, 3: 115, 4: 123, 5: 126, 6: 132, 7: 137, 8: 147, 12: 151, 16: 156 },
})

/** `d` decodes, `p` reads its prompt, `.` is free; capitals cannot be padded (`x`: free). */
const slotsOf = (picture: string): SlotView[] =>
  [...picture].map((char) => ({
    doing: char === 'd' ? 'decode' : char === 'p' || char === 'P' ? 'prefill' : 'nothing',
    padable: char !== 'P' && char !== 'x',
  }))

const pictured = (picture: string, cost: CostTable) => {
  const rows = new Map(planDecode(slotsOf(picture), cost).map((row) => [row.slot, row.pad]))
  return [...picture].map((_, slot) => ['.', '#', 'd'][rowKind(rows.get(slot))]).join('')
}
const rowKind = (pad: boolean | undefined) => (pad === undefined ? 0 : pad ? 1 : 2)

const view = fc.record({
  doing: fc.constantFrom('nothing' as const, 'prefill' as const, 'decode' as const),
  padable: fc.boolean(),
})
const views = fc.array(view, { minLength: 1, maxLength: 16 })
const anyTable = fc.oneof(
  fc.constantFrom(EPYC, XEON, SMOLLM2, UNKNOWN_COST),
  fc
    .array(fc.double({ min: 0.1, max: 500, noNaN: true }), { minLength: 1, maxLength: 16 })
    .map((ms) => new CostTable(ms)),
)
const decoding = (slots: readonly SlotView[]) =>
  slots.flatMap(({ doing }, slot) => (doing === 'decode' ? [slot] : []))
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

describe('the rows of a decode step', () => {
  test.each([
    ['EPYC', EPYC, 5, 8],
    ['EPYC', EPYC, 6, 8],
    ['EPYC', EPYC, 7, 8],
    ['EPYC', EPYC, 3, 4],
    ['EPYC', EPYC, 4, 4],
    ['EPYC', EPYC, 1, 1],
    ['Xeon', XEON, 5, 5],
    ['Xeon', XEON, 6, 8],
    ['Xeon', XEON, 7, 8],
    ['Xeon', XEON, 3, 3],
  ])('on the %s are for %3$i streams as measured', (_host, cost, streams, rows) => {
    const picture = 'd'.repeat(streams).padEnd(16, '.')
    expect(planDecode(slotsOf(picture), cost).length).toBe(rows)
  })

  test('are never padded at the end where more rows always cost more', () => {
    for (let streams = 1; streams <= 16; streams++) {
      const picture = 'd'.repeat(streams).padEnd(16, '.')
      expect(pictured(picture, SMOLLM2)).toBe(picture)
    }
  })

  test('fill the holes between slots where one run is cheaper than its parts', () => {
    expect(pictured('d.dd....', EPYC)).toBe('d#dd....')
    expect(pictured('d.d.d.d.', EPYC)).toBe('d#d#d#d#')
    expect(pictured('ddpd....', EPYC)).toBe('dd#d....')
    expect(pictured('..ddd.dd', EPYC)).toBe('##ddd#dd')
    // Two runs of one row are cheaper than one of three.
    expect(pictured('d.d.....', SMOLLM2)).toBe('d.d.....')
    expect(pictured('dddd.dddd', SMOLLM2)).toBe('dddd#dddd')
  })

  test('leave slots alone that cannot drop a cell again', () => {
    expect(pictured('ddd x', EPYC)).toBe('ddd#.')
    expect(pictured('dddx....', EPYC)).toBe('dddx....'.replace('x', '.'))
    expect(pictured('xddd....', EPYC)).toBe('.ddd#...')
    expect(pictured('ddPd....', EPYC)).toBe('dd.d....')
  })

  test('are those that decode, in order and once, and pads nowhere else than they may', () => {
    fc.assert(
      fc.property(views, anyTable, (slots, cost) => {
        const rows = planDecode(slots, cost)
        const order = rows.map(({ slot }) => slot)
        expect(order).toEqual([...new Set(order)].sort((a, b) => a - b))
        expect(rows.filter(({ pad }) => !pad).map(({ slot }) => slot)).toEqual(decoding(slots))
        for (const { slot, pad } of rows) {
          if (!pad) continue
          expect(slots[slot]?.doing).not.toBe('decode')
          expect(slots[slot]?.padable).toBe(true)
        }
        if (!cost.known) expect(rows.some(({ pad }) => pad)).toBe(false)
      }),
      { numRuns: 3000 },
    )
  })

  test('are the cheapest run by the table when that saves 3 %, else unshaped', () => {
    fc.assert(
      fc.property(views, anyTable, (slots, cost) => {
        const active = decoding(slots)
        const plain = sum(runsOf(active).map((rows) => cost.of(rows)))
        const planned = costOf(planDecode(slots, cost), cost)
        const [first, last] = [active[0] ?? 0, active.at(-1) ?? 0]
        const runs = slots.flatMap((_, from) => slots.map((_slot, to) => ({ from, to })))
        const usable = runs.filter(
          ({ from, to }) =>
            from <= first &&
            to >= last &&
            slots.slice(from, to + 1).every(({ doing, padable }) => doing === 'decode' || padable),
        )
        const cheapest = Math.min(...usable.map(({ from, to }) => cost.of(to - from + 1)))
        const shaped = active.length > 0 && cheapest <= plain * 0.97
        expect(planned).toBeCloseTo(shaped ? cheapest : plain, 6)
        expect(planned).toBeLessThanOrEqual(plain + 1e-9)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('the chunks of a prefill step', () => {
  const alone = { batchSize: 512, tokensPerMs: 0.5, budgetMs: 100, decodeMs: undefined }
  const beside = { ...alone, decodeMs: 40 }
  const prompt = (slot: number, due: number, total = due) => ({ slot, due, total })

  test('take the whole batch while nobody decodes', () => {
    expect(planPrefill([prompt(2, 300), prompt(0, 400)], alone)).toEqual([
      { slot: 0, tokens: 212 },
      { slot: 2, tokens: 300 },
    ])
  })

  test('take what fits beside the decode step while somebody decodes, in whole tiles', () => {
    // 60 ms at 0.5 a millisecond.
    expect(planPrefill([prompt(0, 400)], beside)).toEqual([{ slot: 0, tokens: 28 }])
    expect(planPrefill([prompt(0, 13, 400), prompt(1, 50)], beside)).toEqual([
      { slot: 0, tokens: 13 },
      { slot: 1, tokens: 16 },
    ])
  })

  test('go on slowly where a decode step alone takes the budget, or no rate is known', () => {
    const slow = { ...beside, decodeMs: 500 }
    expect(planPrefill([prompt(0, 400)], slow)).toEqual([{ slot: 0, tokens: 48 }])
    const unknown = { ...beside, tokensPerMs: 0 }
    expect(planPrefill([prompt(0, 400)], unknown)).toEqual([{ slot: 0, tokens: 16 }])
  })

  test('keep batch and budget, fill them, come in order of arrival, and all get on', () => {
    const prompts = fc
      .uniqueArray(
        fc.record({
          slot: fc.nat(15),
          due: fc.integer({ min: 1, max: 900 }),
          read: fc.oneof(fc.constant(0), fc.nat(500)),
        }),
        { selector: ({ slot }) => slot, minLength: 1, maxLength: 16 },
      )
      .map((all) => all.map(({ slot, due, read }) => prompt(slot, due, due + read)))
    const limits = fc.record({
      batchSize: fc.integer({ min: 1, max: 600 }),
      // Most doubles lie close to nought.
      tokensPerMs: fc.nat(5000).map((rate) => rate / 1000),
      budgetMs: fc.constantFrom(20, 100, 500),
      decodeMs: fc.option(fc.nat(300), { nil: undefined }),
    })
    fc.assert(
      fc.property(prompts, limits, (waiting, given) => {
        const chunks = planPrefill(waiting, given)
        const { batchSize, tokensPerMs, budgetMs, decodeMs } = given
        const slots = chunks.map(({ slot }) => slot)
        expect(slots).toEqual([...new Set(slots)].sort((a, b) => a - b))
        const read = sum(chunks.map(({ tokens }) => tokens))
        expect(read).toBeLessThanOrEqual(batchSize)
        // Those who came first, and all but the last of them to their end.
        const served = waiting.slice(0, chunks.length)
        const tokensOf = (slot: number) => chunks.find((chunk) => chunk.slot === slot)?.tokens ?? 0
        served.forEach(({ slot, due }, at) => {
          expect(tokensOf(slot)).toBeGreaterThan(0)
          expect(tokensOf(slot)).toBeLessThanOrEqual(due)
          if (at < served.length - 1) expect(tokensOf(slot)).toBe(due)
        })
        if (decodeMs === undefined) return
        // Sixteen tokens are read whatever they take.
        const pauseMs = read / tokensPerMs + decodeMs
        const mostMs = Math.max(budgetMs, 1.5 * decodeMs)
        if (read > 16) expect(pauseMs).toBeLessThanOrEqual(mostMs + 1e-6)
        // Nor is less read than there is time for, but for a part of a tile.
        const leftMs = Math.max(budgetMs - decodeMs, decodeMs / 2)
        const due = sum(waiting.map((each) => each.due))
        const least = Math.min(batchSize, due, Math.max(16, leftMs * tokensPerMs - 1)) - 3
        if (decodeMs <= 2 * budgetMs) expect(read).toBeGreaterThanOrEqual(least)
      }),
      { numRuns: 3000 },
    )
  })

  test('waste no more of the batch than a part of a tile while anybody waits', () => {
    const dues = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 16 })
    fc.assert(
      fc.property(dues, (all) => {
        const chunks = planPrefill(
          all.map((due, slot) => prompt(slot, due)),
          alone,
        )
        const read = sum(chunks.map(({ tokens }) => tokens))
        // Two budgets are 100 tokens.
        const burst = all.slice(1).every((due) => due <= 100)
        const most = Math.min(sum(all), 512 - 3)
        expect(read).toBeGreaterThanOrEqual(burst && sum(all) > 250 ? most / 2 : most)
      }),
    )
  })

  test('answer a half of a burst first, when reading all of it takes more than five budgets', () => {
    const burst = (prompts: number, due: number) =>
      planPrefill(
        Array.from({ length: prompts }, (_, slot) => prompt(slot, due)),
        alone,
      ).map(({ tokens }) => tokens)
    // 250 tokens are five budgets.
    expect(burst(5, 50)).toHaveLength(5)
    expect(burst(8, 50)).toEqual([50, 50, 50, 50])
    expect(burst(9, 50)).toEqual([50, 50, 50, 50, 50])
    // Of more than a batch, half a batch.
    expect(burst(16, 50)).toHaveLength(6)
    // Those that would be read in pieces beside answers are read now.
    expect(burst(8, 101)).toEqual([101, 101, 101, 101, 101, 4])
    // What is left of a leader counts as it is.
    const followers = [1, 2, 3, 4, 5, 6, 7, 8].map((slot) => prompt(slot, 32))
    expect(planPrefill([prompt(0, 20, 532), ...followers], alone)).toHaveLength(5)
  })
})

describe('the slot of a newcomer', () => {
  const none: undefined[] = []

  test('closes a hole, else continues the run; of equals the longest unused one', () => {
    expect(chooseSlot(slotsOf('....'), none)).toBe(0)
    expect(chooseSlot(slotsOf('....'), [4, 3, undefined, 2])).toBe(2)
    expect(chooseSlot(slotsOf('....'), [4, 3, 5, 2])).toBe(3)
    expect(chooseSlot(slotsOf('d.pd'), none)).toBe(1)
    expect(chooseSlot(slotsOf('.dd..'), [9, 1, 1, 8, undefined])).toBe(3)
    expect(chooseSlot(slotsOf('.dd..'), [8, 1, 1, 9, undefined])).toBe(0)
    expect(chooseSlot(slotsOf('dpdp'), none)).toBeUndefined()
    // In the middle of a wide hole it would stand alone.
    expect(chooseSlot(slotsOf('d...d'), [9, 7, 1, 6, 9])).toBe(3)
  })

  test('is never a busy one, and splits the busy ones no more than it must', () => {
    const lastUsed = fc.array(fc.option(fc.nat(99), { nil: undefined }), { maxLength: 16 })
    fc.assert(
      fc.property(views, lastUsed, (slots, used) => {
        const free = slots.flatMap(({ doing }, slot) => (doing === 'nothing' ? [slot] : []))
        const chosen = chooseSlot(slots, used)
        if (chosen === undefined) {
          expect(free).toEqual([])
          return
        }
        expect(free).toContain(chosen)
        const runsWith = (slot: number) =>
          runsOf(slots.flatMap(({ doing }, at) => (doing !== 'nothing' || at === slot ? [at] : [])))
            .length
        expect(runsWith(chosen)).toBe(Math.min(...free.map(runsWith)))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('moves', () => {
  const many = Array.from({ length: 16 }, () => 1000)

  test('bring the streams together when that saves more than the copies', () => {
    expect(planMoves(slotsOf('d.xxd'), EPYC, many, 10)).toEqual([{ from: 4, to: 1 }])
    expect(planMoves(slotsOf('dPP.d'), EPYC, many, 10)).toEqual([{ from: 0, to: 3 }])
    expect(planMoves(slotsOf('d.xxd'), EPYC, [1, 0, 0, 0, 1], 100)).toEqual([])
  })

  test('are several where one alone saves nothing', () => {
    const moves = planMoves(slotsOf('dd..dd..dd..dd..'), EPYC, many, 10)
    expect(moves.length).toBeGreaterThan(1)
    const after = moves.reduce(
      (all, { from, to }) => all.with(to, all[from]!).with(from, all[to]!),
      slotsOf('dd..dd..dd..dd..'),
    )
    expect(
      runsOf(after.flatMap(({ doing }, slot) => (doing === 'decode' ? [slot] : []))),
    ).toHaveLength(1)
  })

  test('are none where pads do as well, nothing is free, or nothing is known', () => {
    expect(planMoves(slotsOf('dd.d'), EPYC, many, 10)).toEqual([])
    expect(planMoves(slotsOf('dpdd'), EPYC, many, 10)).toEqual([])
    expect(planMoves(slotsOf('d.xxd'), UNKNOWN_COST, many, 10)).toEqual([])
    expect(planMoves(slotsOf('....'), EPYC, many, 10)).toEqual([])
  })

  test('go from those that decode to free slots, each once, and pay', () => {
    const left = fc.array(fc.nat(300), { minLength: 16, maxLength: 16 })
    let some = 0
    fc.assert(
      fc.property(views, anyTable, left, fc.nat(50), (slots, cost, stepsLeft, copyMs) => {
        const moves = planMoves(slots, cost, stepsLeft, copyMs)
        if (moves.length === 0) return
        some++
        for (const { from, to } of moves) {
          expect(slots[from]?.doing).toBe('decode')
          expect(slots[to]?.doing).toBe('nothing')
        }
        expect(new Set(moves.map(({ to }) => to)).size).toBe(moves.length)
        const after = slots.map((one, slot): SlotView => {
          if (moves.some(({ from }) => from === slot)) return { ...one, doing: 'nothing' }
          return moves.some(({ to }) => to === slot) ? { ...one, doing: 'decode' } : one
        })
        const saved = costOf(planDecode(slots, cost), cost) - costOf(planDecode(after, cost), cost)
        const steps = Math.min(...moves.map(({ from }) => stepsLeft[from]!))
        expect(saved * steps).toBeGreaterThan(2 * copyMs * moves.length * 0.99)
      }),
      { numRuns: 3000 },
    )
    expect(some).toBeGreaterThan(100)
  })
})

describe('a cost table', () => {
  test('goes on in proportion beyond its last row, and costs nothing while unknown', () => {
    expect([0, 1, 2, 4].map((rows) => new CostTable([10, 16]).of(rows))).toEqual([0, 10, 16, 32])
    expect([UNKNOWN_COST.known, UNKNOWN_COST.of(3)]).toEqual([false, 0])
  })
})
