import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  beyondMemory,
  engineMemory,
  memoryLimit,
  ownBytes,
  untouchedBytes,
  watchMemory,
} from '../../server/engine/memory-limit.ts'

const MIB = 2 ** 20
const TOTAL = 64 * 1024 * MIB
const files = (table: Record<string, string>) => (path: string) => table[path]

test('the memory limit is read from cgroup v2 and v1, and the tightest of the parents binds', () => {
  expect(memoryLimit(files({}), TOTAL)).toBeUndefined()
  expect(memoryLimit(files({ '/sys/fs/cgroup/memory.max': 'max\n' }), TOTAL)).toBeUndefined()
  expect(memoryLimit(files({ '/sys/fs/cgroup/memory.max': '1073741824\n' }), TOTAL)).toBe(2 ** 30)
  const v2 = files({
    '/proc/self/cgroup': '0::/kubepods/pod1/c1\n',
    '/sys/fs/cgroup/kubepods/pod1/c1/memory.max': 'max',
    '/sys/fs/cgroup/kubepods/pod1/memory.max': `${300 * MIB}`,
  })
  expect(memoryLimit(v2, TOTAL)).toBe(300 * MIB)
  const v1 = files({
    '/proc/self/cgroup': '4:memory:/kubepods/pod1\n3:cpu,cpuacct:/a\n0::/\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
    '/sys/fs/cgroup/memory/kubepods/pod1/memory.limit_in_bytes': `${200 * MIB}`,
  })
  expect(memoryLimit(v1, TOTAL)).toBe(200 * MIB)
})

test('the engine gets what the server and the prefixes in memory leave', () => {
  expect(engineMemory(256 * MIB, 1024 * MIB)).toBe((1024 - 256 - 128) * MIB)
})

test('mapped weights do not count', () => {
  const status = 'VmRSS:\t  900000 kB\nRssAnon:\t  300000 kB\nRssFile:\t  600000 kB\n'
  expect(ownBytes(7, files({ '/proc/7/status': status }))).toBe(300_000 * 1024)
  expect(ownBytes(8, files({ '/proc/7/status': status }))).toBeUndefined()
})

test('what was asked for and not touched counts when the engine is ready', () => {
  const status = 'VmData:\t  900000 kB\nRssAnon:\t  300000 kB\n'
  expect(untouchedBytes(files({ '/proc/self/status': status }))).toBe(600_000 * 1024)
  expect(untouchedBytes(files({}))).toBe(0)
  expect(beyondMemory(300 * MIB, 300 * MIB)).toBeUndefined()
  expect(beyondMemory(300 * MIB, undefined)).toBeUndefined()
  expect(beyondMemory(301 * MIB, 300 * MIB)).toMatch(/takes 301 MiB, expected at most 300 MiB/)
})

test('who goes beyond is named once, with what it took; a process that is gone is not', async () => {
  const causes: string[] = []
  const read = files({ '/proc/7/status': 'RssAnon:\t  307200 kB\n' })
  const ends = [
    watchMemory(7, 100 * MIB, (cause) => causes.push(cause), read),
    watchMemory(7, 300 * MIB, (cause) => causes.push(cause), read),
    watchMemory(8, 100 * MIB, (cause) => causes.push(cause), read),
  ]
  await sleep(2300)
  for (const end of ends) end()
  expect(causes).toHaveLength(1)
  expect(causes[0]).toMatch(/takes 300 MiB, expected at most 100 MiB.*fix: raise memory/)
})
