import { expect, test } from 'vitest'
import { keyOf, processorOf } from './machine.ts'

test('a processor whose name is hidden is told by its kind', () => {
  const cpuinfo = 'processor\t: 0\ncpu family\t: 6\nmodel\t\t: 207\nmodel name\t: Some Xeon\n'
  expect(processorOf(cpuinfo)).toBe('Some Xeon (family 6, model 207)')
  expect(processorOf('')).toBe('? (family ?, model ?)')
})

test('machines of other sizes have other keys, fit for a name of a file', () => {
  expect(keyOf('2 x Some Xeon, 24 GiB')).not.toBe(keyOf('4 x Some Xeon, 24 GiB'))
  expect(keyOf('2 x Some Xeon, 24 GiB')).toMatch(/^[0-9a-f]{12}$/)
})
