import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { memoryFolder } from '../../server/memory-folder.ts'

const free = 1e9
let parent = ''
beforeEach(() => (parent = mkdtempSync(join(tmpdir(), 'serantau-memory-'))))
afterEach(() => rmSync(parent, { recursive: true }))

test('a folder in memory is private and its own for every call', () => {
  const [one, two] = [memoryFolder(1000, { parent, free }), memoryFolder(1000, { parent, free })]
  expect(one).not.toBe(two)
  expect(statSync(one!).mode & 0o777).toBe(0o700)
})

test('there is none where it would take more than a quarter of what is free', () => {
  expect(memoryFolder(1000, { parent, free: 3999 })).toBeUndefined()
  expect(memoryFolder(1e18, { parent, free: Infinity })).toBeUndefined()
  expect(readdirSync(parent)).toEqual([])
  expect(memoryFolder(1000, { parent, free: 4000 })).toBeDefined()
})

test('there is none on a system that has no such place', () => {
  expect(memoryFolder(1000, { parent: join(parent, 'missing'), free })).toBeUndefined()
})

test('that of a killed process is removed, those of others and what is not ours stay', () => {
  const dead = spawnSync(process.execPath, ['--version']).pid
  const names = [`serantau-start-${dead}-a`, `serantau-start-${process.pid}-a`, `other-${dead}-a`]
  for (const name of names) mkdirSync(join(parent, name))
  memoryFolder(1e18, { parent, free })
  expect(names.map((name) => existsSync(join(parent, name)))).toEqual([false, true, true])
})

test('it ends with its process', () => {
  const module = new URL('../../server/memory-folder.ts', import.meta.url).href
  const program = `const { memoryFolder } = await import('${module}')
    console.log(memoryFolder(1000, { parent: '${parent}', free: 1e9 }))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program])
  expect(stdout.toString().trim()).toContain(join(parent, 'serantau-start-'))
  expect(readdirSync(parent)).toEqual([])
})
