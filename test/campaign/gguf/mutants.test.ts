import { describe, expect, test } from 'vitest'
import { inMemory } from '../../../weights/gguf/byte-source.ts'
import { readGguf } from '../../../weights/gguf/read-gguf.ts'
import { ggufFile, ggufOf } from '../../helpers/small-gguf.ts'
import { SMALL_MODELS } from '../../helpers/small-models.ts'
import { FIELD_KINDS, fieldsOf } from './fields.ts'
import { judgeAll } from './judge-all.ts'
import { MOST_MS, judge } from './judge.ts'
import { Mutants } from './mutants.ts'
import { REBUILDS } from './rebuilds.ts'
import { newTally, sumOf, tallyOf } from './tally.ts'

const SIZE = 4000

describe('damaged files of weights', () => {
  const tally = tallyOf(new Mutants(), judge, 0, SIZE)

  test('are each accepted, or refused with place and reason, at once', () => {
    expect(tally.broken).toEqual([])
    expect(tally.slowestMs).toBeLessThan(MOST_MS)
    const { accepted, corrupt, 'not servable': notServable, broken } = tally.verdicts
    expect(accepted + corrupt + notServable).toBe(SIZE)
    expect(broken).toBe(0)
  })

  test('are of every kind, and some of them pass', () => {
    const kinds = ['cut off', 'bits flipped', 'bytes overwritten', ...Object.keys(REBUILDS)]
    const changed = FIELD_KINDS.map((kind) => `${kind} changed`)
    expect(Object.keys(tally.kinds).sort()).toEqual([...kinds, ...changed].sort())
    const { accepted, corrupt, 'not servable': notServable } = tally.verdicts
    for (const some of [accepted, corrupt, notServable]) expect(some).toBeGreaterThan(SIZE / 1000)
  })

  test('are the same for the same number, whatever came before', () => {
    const [one, other] = [new Mutants(), new Mutants()]
    for (let index = 0; index < 200; index++) {
      other.at((index * 7919) % 1000)
      expect(other.at(index)).toEqual(one.at(index))
    }
  })

  test('are judged by threads as by one, and none is left out', async () => {
    const judged = await judgeAll(500, () => undefined)
    const { slowestMs: _, ...alone } = tallyOf(new Mutants(), judge, 0, 500)
    expect(judged.tally).toMatchObject(alone)
  })
})

test.each(Object.entries(SMALL_MODELS))('the fields of %s are those of its header', (_, parts) => {
  const { header, size } = ggufOf(parts)
  const { tensors } = readGguf(inMemory(header, size), 'seed')
  const fields = fieldsOf(parts)
  for (const [index, { at, bytes }] of fields.slice(1).entries()) {
    expect(at).toBe(fields[index]!.at + fields[index]!.bytes)
    expect(bytes).toBeGreaterThan(0)
  }
  const end = fields.at(-1)!
  expect(Math.ceil((end.at + end.bytes) / 32) * 32).toBe(header.length)
  const offsets = fields.filter(({ kind }) => kind === 'offset')
  expect(offsets.map(({ at }) => Number(header.readBigUInt64LE(at)) + header.length)).toEqual(
    tensors.map(({ at }) => at),
  )
})

describe('a judge', () => {
  test('accepts the undamaged ones', () => {
    for (const parts of Object.values(SMALL_MODELS)) {
      expect(judge(ggufFile(parts)).verdict).toBe('accepted')
    }
  })

  test('counts what is broken, with its number and how', () => {
    const mutants = { at: () => ({ how: 'cut', seed: 'CHAT' as const, file: Buffer.alloc(0) }) }
    const tally = tallyOf(mutants, () => ({ verdict: 'broken', ms: 60, problem: 'slow' }), 3, 20)
    expect(tally.broken).toHaveLength(10)
    expect(tally.broken[0]).toBe('mutant 3 (CHAT, cut): slow')
    expect(sumOf([tally, newTally(), tally])).toMatchObject({
      ...{ verdicts: { broken: 34 }, slowestMs: 60, kinds: { cut: { made: 34, accepted: 0 } } },
    })
  })
})
