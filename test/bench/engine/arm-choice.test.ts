import { expect, test } from 'vitest'
import { armsOf } from './arm-choice.ts'
import { WORKLOADS } from './workloads/index.ts'
import type { Workload } from './workloads/workload.ts'

const workload = (name: string): Workload => WORKLOADS[name] as Workload

test('arms that only tell causes run where they are named', () => {
  expect(armsOf(workload('W1'), undefined)).toEqual([
    ...['ours', 'prebuilt', 'plain', 'llama-server', 'llama-server-best'],
  ])
  expect(armsOf(workload('W1'), ['ours', 'llama-server-kernels'])).toEqual([
    ...['ours', 'llama-server-kernels'],
  ])
  expect(armsOf(workload('W5'), undefined)).not.toContain('batched-bench-ours')
  expect(armsOf(workload('W5'), ['batched-bench-ours'])).toEqual(['batched-bench-ours'])
})

test('the limit with the same kernels belongs to the decode phase', () => {
  expect(armsOf(workload('W0'), undefined)).toContain('batched-bench-ours')
})

test('a workload without a peer has none with our kernels either', () => {
  expect(armsOf(workload('hop'), ['gateway', 'llama-server-kernels', 'ours'])).toEqual(['gateway'])
  expect(armsOf(workload('W1'), ['batched-bench-ours'])).toEqual([])
})
