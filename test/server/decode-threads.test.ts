import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CoreUse } from '../../server/engine/core-use.ts'
import { coreUse } from '../../server/engine/core-use.ts'
import { DecodeContext } from '../../server/engine/decode-context.ts'
import { DecodeThreads, fasterThreads } from '../../server/engine/decode-threads.ts'
import type { Bindings, NativeContext, NativeModel } from '../../server/engine/native.ts'

describe('threads that are faster', () => {
  test.each([
    ['nobody else', 2, 2, { waited: 0.05, idle: 0 }, 2],
    ['half a core of others: two are still faster than one', 2, 2, { waited: 0.37, idle: 0 }, 2],
    ['a core of others', 2, 2, { waited: 0.84, idle: 0 }, 1],
    ['another engine of as many threads', 2, 2, { waited: 0.96, idle: 0 }, 1],
    ['a core of others on a big node', 64, 64, { waited: 0.6, idle: 0 }, 63],
    ['another engine on a big node', 64, 64, { waited: 31.7, idle: 0 }, 32],
    ['the others go on', 1, 2, { waited: 0.02, idle: 0.1 }, 1],
    ['a core is free again', 1, 2, { waited: 0, idle: 0.9 }, 2],
    ['some cores are free again', 32, 64, { waited: 0.1, idle: 8.5 }, 40],
    ['yet more others on a big node', 63, 64, { waited: 9.8, idle: 0 }, 53],
    ['others on all cores: fewer got less', 1, 2, { waited: 0.38, idle: 0 }, 2],
  ])('%s: %i of %i', (_, threads, most, crowd, expected) => {
    expect(fasterThreads(threads, most, crowd)).toBe(expected)
  })

  test('never none, never more than there are', () => {
    const cores = fc.double({ min: 0, max: 128, noNaN: true })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.nat(63),
        cores,
        cores,
        (most, less, waited, idle) => {
          const threads = Math.max(1, most - less)
          const next = fasterThreads(threads, most, { waited, idle })
          expect(next).toBeGreaterThanOrEqual(1)
          expect(next).toBeLessThanOrEqual(most)
        },
      ),
    )
  })
})

/** A machine whose clocks go on by what `crowd` says. */
function simulated(most: number) {
  let ms = 0
  const use: CoreUse = { waited: 0, idle: 0 }
  const threads = new DecodeThreads({ most, now: () => ms, read: () => ({ ...use }) })
  threads.next()
  const pass = (seconds: number, crowd: { waited: number; idle: number }): number[] => {
    const seen: number[] = []
    for (let step = 0; step < seconds * 10; step++) {
      ms += 100
      use.waited += crowd.waited / 10
      use.idle += crowd.idle / 10
      const next = threads.next()
      if (seen.at(-1) !== next) seen.push(next)
    }
    return seen
  }
  return { threads, pass }
}

const ALONE = { waited: 0.04, idle: 0 }
const CROWDED = { waited: 0.9, idle: 0 }
const FREED = { waited: 0, idle: 1 }

describe('threads of a step', () => {
  test('fewer within two seconds of company, all again some seconds after it left', () => {
    const { threads, pass } = simulated(2)
    expect(pass(5, ALONE)).toEqual([2])
    expect(pass(0.5, CROWDED)).toEqual([2])
    expect(pass(5, ALONE)).toEqual([2])
    expect(pass(2, CROWDED)).toEqual([2, 1])
    expect(threads.undisturbed).toBe(false)
    expect(pass(10, ALONE)).toEqual([1])
    expect(pass(3, FREED).at(-1)).toBe(2)
    expect(threads.undisturbed).toBe(true)
  })

  test('company that comes and goes is met with fewer and fewer changes', () => {
    const { pass } = simulated(2)
    const changes = (seconds: number) => {
      let count = 0
      for (let at = 0; at < seconds; at += 3) {
        count += pass(1.5, CROWDED).length - 1 + (pass(1.5, FREED).length - 1)
      }
      return count
    }
    expect(changes(60)).toBeGreaterThan(2)
    expect(changes(60)).toBeLessThanOrEqual(5)
  })

  test('where fewer are no help, all of them go on for half a minute', () => {
    const { pass } = simulated(2)
    expect(pass(2, CROWDED)).toEqual([2, 1])
    const everywhere = { waited: 0.4, idle: 0 }
    expect(pass(6, everywhere).at(-1)).toBe(2)
    expect(pass(25, CROWDED)).toEqual([2])
    expect(pass(10, CROWDED)).toContain(1)
  })

  test('what the kernel does not tell changes nothing', () => {
    let ms = 0
    const threads = new DecodeThreads({ most: 4, now: () => (ms += 1000), read: () => undefined })
    expect([1, 2, 3].map(() => threads.next())).toEqual([4, 4, 4])
  })
})

test('native code decodes with as many', async () => {
  const set: number[] = []
  const native = {
    setThreads: (count: number) => set.push(count),
    initBatch: () => undefined,
    addToBatch: () => new Uint32Array(0),
    decodeBatch: async () => undefined,
  } as unknown as NativeContext
  const { threads, pass } = simulated(2)
  const sizes = { slots: 2, contextSize: 8, batchSize: 8 }
  const [bindings, model] = [{} as Bindings, {} as NativeModel]
  const context = new DecodeContext(bindings, model, native, sizes, threads)
  const step = () => context.decode([{ slot: 0, position: 0, tokens: Uint32Array.of(1) }])
  await step()
  pass(2, CROWDED)
  await step()
  expect(set).toEqual([2, 1])
})

describe('use of the cores', () => {
  const FILES: Record<string, string> = {
    '/proc/stat': 'cpu  9 9 9 900 9\ncpu0 1 0 1 100 5\ncpu1 1 0 1 250 5\ncpu2 1 0 1 550 5\n',
    '/proc/self/status': 'Name:\tnode\nCpus_allowed_list:\t0,2-3\n',
    '/proc/self/task/7/schedstat': '5000000000 9000000000 3\n',
    '/proc/self/task/8/schedstat': '5000000000 1500000000 3\n',
    '/proc/self/task/9/schedstat': '5000000000 250000000 3\n',
  }
  const read = (path: string) => FILES[path]

  test('waits of its threads but the first, idle time of the cores that it may use', () => {
    expect(coreUse(['7', '8', '9', 'ended'], '7', read)).toEqual({ waited: 1.75, idle: 6.5 })
  })

  test.each(['/proc/stat', '/proc/self/status', '/proc/self/task/7/schedstat'])(
    'undefined without %s',
    (missing) => {
      const without = (path: string) => (path === missing ? undefined : read(path))
      expect(coreUse(['7', '8'], '7', without)).toBeUndefined()
    },
  )

  test('a real kernel tells it', () => {
    const use = coreUse([String(process.pid)])
    expect(use?.idle).toBeGreaterThan(0)
    expect(use?.waited).toBe(0)
  })
})
