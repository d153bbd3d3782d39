import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Rehearsal } from '../../infra/rehearsal/rehearse.ts'
import { TestProject } from '../helpers/project.ts'

let project: TestProject

beforeAll(async () => (project = await TestProject.create()))
afterAll(async () => {
  await project.run(['down', '--yes', '--stack', 'rehearsal'])
  await project.remove()
})

test('a ministry is rehearsed: nodes inside alone, an eviction, a lost zone, to 0 and up again; nothing is left', async () => {
  const result = await project.run(['rehearse', '--small', '-o', 'json'])
  expect(result.stderr).not.toContain('failed')
  const { pools, outcomes, timeline } = JSON.parse(result.stdout) as Rehearsal
  expect(outcomes.filter(({ ok }) => !ok)).toEqual([])
  expect(outcomes.map(({ expectation }) => expectation)).toEqual([
    expect.stringContaining('no node lies outside the zones of its pool'),
    expect.stringContaining('its stream ends whole'),
    expect.stringContaining('ap-southeast-5a is lost'),
    expect.stringContaining('with no pod left, all nodes go'),
    expect.stringContaining('4 pods run on nodes that were made for them'),
  ])
  const zones = Object.keys(pools.find(({ name }) => name === 'l40s')?.zones ?? {})
  expect(zones.length).toBeGreaterThan(0)
  for (const zone of zones) expect(['ap-southeast-5a', 'ap-southeast-5b']).toContain(zone)
  expect(await readFile(timeline, 'utf8')).toMatch(/^<svg/)
  expect(result.status).toBe(0)
  const left = await project.run(['status', '--stack', 'rehearsal'])
  expect(left.stderr).toContain('no such file')
}, 600_000)
