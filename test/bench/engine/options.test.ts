import { expect, test } from 'vitest'
import { readOptions } from './options.ts'

test('without names every workload runs but the one that needs root', () => {
  const { workloads } = readOptions([])
  expect(workloads).toContain('hop')
  expect(workloads).not.toContain('hop-rules')
  expect(readOptions(['--workloads', 'hop-rules']).workloads).toEqual(['hop-rules'])
})

test('an unknown workload is refused with those that there are', () => {
  expect(() => readOptions(['--workloads', 'W99'])).toThrow(/--workloads.*W1a.*W99/s)
})
