import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SavedEntries } from '../../server/engine/saved-entries.ts'

describe('which saved states stay', () => {
  const id = fc.nat(9)
  const operation = fc.oneof(
    fc.record({
      kind: fc.constant('add' as const),
      bytes: fc.nat(60),
      pinned: fc.nat(9),
      instead: fc.array(id, { maxLength: 2 }),
    }),
    fc.record({ kind: fc.constant('resize' as const), id, bytes: fc.nat(80) }),
    fc.record({ kind: fc.constant('read' as const), id }),
    fc.record({ kind: fc.constant('endRead' as const), id }),
    fc.record({ kind: fc.constant('hit' as const), id }),
    fc.record({ kind: fc.constant('remove' as const), id }),
  )

  test('never exceeds its bytes, and never gives up what is pinned or being read', () => {
    let evictions = 0
    fc.assert(
      fc.property(fc.array(operation, { minLength: 20, maxLength: 60 }), (list) => {
        const entries = new SavedEntries(100)
        const held = new Map<number, { bytes: number; pinned: boolean; readers: number }>()
        const stuck = (but?: number) =>
          [...held]
            .filter(([key, entry]) => key !== but && (entry.pinned || entry.readers > 0))
            .reduce((sum, [, entry]) => sum + entry.bytes, 0)
        const leave = (ids: readonly number[]) => {
          for (const out of ids) {
            evictions++
            expect(held.get(out)).toMatchObject({ pinned: false, readers: 0 })
            held.delete(out)
          }
        }
        let next = 0
        for (const op of list) {
          const target = 'id' in op ? [...held.keys()][op.id] : undefined
          const entry = target === undefined ? undefined : held.get(target)
          if (op.kind === 'add') {
            const out = entries.add(next, op.bytes, op.pinned === 0, op.instead)
            expect(out === undefined).toBe(stuck() + op.bytes > 100)
            if (out === undefined) continue
            leave(out)
            held.set(next++, { bytes: op.bytes, pinned: op.pinned === 0, readers: 0 })
          } else if (target === undefined || entry === undefined) continue
          else if (op.kind === 'read') {
            expect(entries.startRead(target)).toBe(true)
            entry.readers++
          } else if (op.kind === 'endRead' && entry.readers > 0) {
            entries.endRead(target)
            entry.readers--
          } else if (op.kind === 'hit') entries.hit(target)
          else if (op.kind === 'remove') {
            entries.remove(target)
            held.delete(target)
          } else if (op.kind === 'resize') {
            const fits = stuck(target) + op.bytes <= 100
            const out = entries.resize(target, op.bytes)
            if (fits) {
              leave(out)
              entry.bytes = op.bytes
            } else {
              expect(out).toEqual([target])
              held.delete(target)
            }
          }
          expect(entries.bytes).toBeLessThanOrEqual(100)
          expect(entries.bytes).toBe([...held.values()].reduce((sum, { bytes }) => sum + bytes, 0))
          expect(entries.count).toBe(held.size)
        }
      }),
      { numRuns: 500 },
    )
    expect(evictions).toBeGreaterThan(500)
  })

  test('gives up the least recently used first', () => {
    const entries = new SavedEntries(30)
    for (const id of [0, 1, 2]) entries.add(id, 10, false)
    for (const id of [0, 1, 2, 0]) entries.hit(id)
    for (const id of [2, 1]) entries.hit(id)
    expect(entries.add(3, 10, false)).toEqual([0])
    expect(entries.add(4, 10, false)).toEqual([2])
  })

  test('keeps what is hit through a flood of states that are used once', () => {
    const entries = new SavedEntries(100)
    entries.add(0, 10, false)
    for (let hit = 0; hit < 3; hit++) entries.hit(0)
    const lost: number[] = []
    for (let id = 1; id < 500; id++) {
      // Ten have room: by age alone it would go before the next hit.
      if (id % 20 === 0) entries.hit(0)
      lost.push(...(entries.add(id, 10, false) ?? []))
    }
    expect(lost).not.toContain(0)
  })

  test('gives up a shared state that is no longer used', () => {
    const entries = new SavedEntries(100)
    entries.add(0, 10, false)
    for (let hit = 0; hit < 1000; hit++) entries.hit(0)
    const lost: number[] = []
    for (let id = 1; id < 500; id++) lost.push(...(entries.add(id, 10, false) ?? []))
    expect(lost).toContain(0)
  })
})
