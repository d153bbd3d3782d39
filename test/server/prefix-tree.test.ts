import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boundaryOf, systemBoundaryOf } from '../../server/engine/boundary.ts'
import type { Boundary } from '../../server/engine/boundary.ts'
import { PrefixTree } from '../../server/engine/prefix-tree.ts'

const parts = { tenant: 'land-office', modelDigest: 'm', adapterDigest: 'none' }
const A = boundaryOf(parts)
const BOUNDARIES = [
  A,
  boundaryOf({ ...parts, tenant: 'health' }),
  boundaryOf({ ...parts, adapterDigest: 'a' }),
]

function commonLength(a: readonly number[], b: readonly number[]): number {
  let same = 0
  while (same < a.length && same < b.length && a[same] === b[same]) same++
  return same
}

/** What the tree must do, as a list of what each holder holds. */
class NaiveTree {
  readonly held = new Map<number, { boundary: Boundary; tokens: number[] }>()

  lengths(boundary: Boundary, tokens: readonly number[]): Map<number, number> {
    const lengths = new Map<number, number>()
    for (const [holder, held] of this.held) {
      const same = held.boundary === boundary ? commonLength(held.tokens, tokens) : 0
      if (same > 0) lengths.set(holder, same)
    }
    return lengths
  }
}

/** Few distinct tokens and few holders: they meet, part and end inside each other all the time. */
const tokens = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 12 })
const holder = fc.integer({ min: 0, max: 6 })
const boundary = fc.constantFrom(...BOUNDARIES)
const operation = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), holder, boundary, tokens }),
  fc.record({ kind: fc.constant('extend' as const), holder, tokens }),
  fc.record({ kind: fc.constant('truncate' as const), holder, length: fc.nat(14) }),
  fc.record({ kind: fc.constant('delete' as const), holder }),
  fc.record({ kind: fc.constant('longest' as const), boundary, tokens }),
)
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

function apply(
  op: Exclude<Operation, { kind: 'longest' }>,
  tree: PrefixTree<number>,
  naive: NaiveTree,
) {
  const held = naive.held.get(op.holder)
  switch (op.kind) {
    case 'set':
      tree.set(op.holder, op.boundary, op.tokens)
      naive.held.set(op.holder, { boundary: op.boundary, tokens: [...op.tokens] })
      return
    case 'delete':
      tree.delete(op.holder)
      naive.held.delete(op.holder)
      return
    case 'extend':
      if (held === undefined) return
      tree.extend(op.holder, Uint32Array.from(op.tokens))
      held.tokens.push(...op.tokens)
      return
    case 'truncate':
      if (held === undefined) return
      tree.truncate(op.holder, op.length)
      held.tokens = held.tokens.slice(0, op.length)
  }
}

/** The smallest tree that tells the holders apart: one node for each token that some set of them ends or parts at. */
function leastSize(naive: NaiveTree): { boundaries: number; nodes: number; tokens: number } {
  const through = new Map<string, Set<number>>()
  const boundaries = new Set<Boundary>()
  for (const [holder, held] of naive.held) {
    boundaries.add(held.boundary)
    for (let end = 1; end <= held.tokens.length; end++) {
      const key = JSON.stringify([held.boundary, held.tokens.slice(0, end)])
      through.set(key, (through.get(key) ?? new Set()).add(holder))
    }
  }
  const distinct = new Set([...through].map(([key, holders]) => holdersKey(key, holders)))
  return {
    boundaries: boundaries.size,
    nodes: boundaries.size + distinct.size,
    tokens: through.size,
  }
}
const holdersKey = (key: string, holders: Set<number>) =>
  `${(JSON.parse(key) as [string])[0]} ${[...holders].sort().join()}`

describe('prefix tree', () => {
  test('finds what a search through lists finds, and keeps no node too many', () => {
    let operations = 0
    fc.assert(
      fc.property(fc.array(operation, { minLength: 20, maxLength: 80 }), (list) => {
        const tree = new PrefixTree<number>()
        const naive = new NaiveTree()
        for (const op of list) {
          operations++
          if (op.kind !== 'longest') {
            apply(op, tree, naive)
            expect(tree.size()).toEqual(leastSize(naive))
            expect(tree.lengthOf(op.holder)).toBe(naive.held.get(op.holder)?.tokens.length ?? 0)
            continue
          }
          const lengths = naive.lengths(op.boundary, op.tokens)
          const longest = Math.max(0, ...lengths.values())
          const found = tree.longest(op.boundary, op.tokens)
          expect(found?.length ?? 0).toBe(longest)
          if (found !== undefined) expect(lengths.get(found.holder)).toBe(longest)
        }
        for (const [holder] of naive.held) tree.delete(holder)
        expect(tree.size()).toEqual({ boundaries: 0, nodes: 0, tokens: 0 })
      }),
      { numRuns: 400 },
    )
    expect(operations).toBeGreaterThan(10_000)
  })

  test('prefers among equal lengths, and looks only at those that may serve', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), tokens, (list, asked) => {
        const tree = new PrefixTree<number>()
        const naive = new NaiveTree()
        for (const op of list) if (op.kind !== 'longest') apply(op, tree, naive)
        const even = [...naive.lengths(A, asked)].filter(([holder]) => holder % 2 === 0)
        const longest = Math.max(0, ...even.map(([, length]) => length))
        const best = even.filter(([, length]) => length === longest).map(([holder]) => holder)
        const found = tree.longest(A, asked, {
          among: (holder) => holder % 2 === 0,
          prefer: (a, b) => b - a,
        })
        if (best.length === 0) expect(found).toBeUndefined()
        else expect(found).toEqual({ holder: Math.max(...best), length: longest })
      }),
      { numRuns: 500 },
    )
  })

  test('names those who hold a prefix of the tokens and nothing else', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), tokens, (list, asked) => {
        const tree = new PrefixTree<number>()
        const naive = new NaiveTree()
        for (const op of list) if (op.kind !== 'longest') apply(op, tree, naive)
        const wanted = [...naive.lengths(A, asked)]
          .filter(([holder, length]) => naive.held.get(holder)?.tokens.length === length)
          .map(([holder]) => holder)
        expect(tree.within(A, asked).sort()).toEqual(wanted.sort())
      }),
      { numRuns: 500 },
    )
  })

  test('never answers across a boundary: 10,000 pairs', () => {
    let pairs = 0
    let sameBoundaryHits = 0
    fc.assert(
      fc.property(
        fc.array(operation, { minLength: 10, maxLength: 40 }),
        fc.array(fc.tuple(boundary, tokens), { minLength: 25, maxLength: 25 }),
        (list, questions) => {
          const tree = new PrefixTree<number>()
          const naive = new NaiveTree()
          for (const op of list) if (op.kind !== 'longest') apply(op, tree, naive)
          for (const [asked, prompt] of questions) {
            pairs++
            const found = tree.longest(asked, prompt)
            if (found === undefined) continue
            sameBoundaryHits++
            expect(naive.held.get(found.holder)?.boundary).toBe(asked)
            expect(tree.boundaryOf(found.holder)).toBe(asked)
          }
        },
      ),
      { numRuns: 400 },
    )
    expect(pairs).toBeGreaterThanOrEqual(10_000)
    // The control: a tree that never answered would pass the rest.
    expect(sameBoundaryHits).toBeGreaterThan(1000)
  })

  test('knows a slot that moved to another boundary only there', () => {
    const tree = new PrefixTree<number>()
    tree.set(0, A, [1, 2, 3])
    tree.set(0, BOUNDARIES[1] ?? A, [1, 2, 3])
    expect(tree.longest(A, [1, 2, 3])).toBeUndefined()
    expect(tree.holders(A)).toEqual([])
    expect(tree.holders(BOUNDARIES[1] ?? A)).toEqual([0])
  })

  test('keeps one node for answers that grow together', () => {
    const tree = new PrefixTree<number>()
    tree.set(0, A, [1, 2, 3])
    tree.set(1, A, [1, 2, 3])
    for (let token = 0; token < 500; token++) for (const slot of [0, 1]) tree.extend(slot, [token])
    expect(tree.size()).toEqual({ boundaries: 1, nodes: 2, tokens: 503 })
  })

  test('offers a holder only down to its floor, and never trims it below', () => {
    const tree = new PrefixTree<number>()
    tree.set(0, A, [1, 2, 3, 4], 3)
    tree.set(1, A, [1])
    expect(tree.longest(A, [1, 2, 3, 9])).toEqual({ holder: 0, length: 3 })
    expect(tree.longest(A, [1, 2, 9])).toEqual({ holder: 1, length: 1 })
    expect(() => tree.truncate(0, 2)).toThrow('below its floor')
    tree.extend(0, [5])
    expect(tree.floorOf(0)).toBe(3)
    tree.truncate(0, 0)
    tree.extend(0, [1, 2])
    expect(tree.longest(A, [1, 2, 9])).toEqual({ holder: 0, length: 2 })
  })

  test('tells a holder that it does not know', () => {
    const tree = new PrefixTree<number>()
    expect(() => tree.extend(3, [1])).toThrow('unknown holder')
    expect(() => tree.truncate(3, 1)).toThrow('unknown holder')
    expect(() => tree.delete(3)).not.toThrow()
    expect(tree.lengthOf(3)).toBe(0)
  })
})

describe('boundary', () => {
  /** Short parts of few characters: joined by any of them without quoting, many would be equal. */
  const name = fc.string({
    unit: fc.constantFrom(',', '"', '/', '\\0', 'a', '\ud800'),
    maxLength: 2,
  })
  const triple = fc.record({ tenant: name, modelDigest: name, adapterDigest: name })

  test('differs when any part differs, whatever the parts spell', () => {
    fc.assert(
      fc.property(triple, triple, (a, b) => {
        const equal = (Object.keys(a) as (keyof typeof a)[]).every((key) => a[key] === b[key])
        expect(boundaryOf(a) === boundaryOf(b)).toBe(equal)
        expect(boundaryOf(a)).not.toBe(systemBoundaryOf(b))
      }),
      { numRuns: 10_000 },
    )
    expect(boundaryOf(parts)).toBe(boundaryOf({ ...parts }))
    for (const separator of [',', '","', '/', '|', '\0', '\n', ' ', ':']) {
      expect(boundaryOf({ ...parts, tenant: `a${separator}b`, modelDigest: 'c' })).not.toBe(
        boundaryOf({ ...parts, tenant: 'a', modelDigest: `b${separator}c` }),
      )
    }
  })
})
