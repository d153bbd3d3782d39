import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startCluster, stopCluster } from '../../infra/local/cluster.ts'
import { type Fleet, startFleet } from '../../infra/rehearsal/fleet.ts'
import type { Stage } from '../../infra/rehearsal/outcome.ts'
import { partsOf, play } from '../../infra/rehearsal/play.ts'
import { ZONES, deployment, jurisdiction, nodePool, pool } from '../helpers/gpu-pool.ts'

const report = (): void => undefined
const NAME = 'rehearsal-test'
const workload = { namespace: 'default', deployment: 'model-my', selector: 'app=my' }

let home = ''
let fleet: Fleet
let stage: Stage

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'serantau-rehearsal-'))
  vi.stubEnv('SERANTAU_HOME', home)
  const cluster = await startCluster(NAME, report)
  const prices = { [pool.accelerator]: 1.2 }
  fleet = await startFleet({ cluster, pools: [pool], jurisdiction, prices }, report)
  stage = { fleet, workload, zones: ZONES }
  await fleet.kubectl.apply(nodePool, deployment('MY', 0, 'ScheduleAnyway'))
})

afterAll(async () => {
  await fleet.stop()
  await stopCluster(NAME, report)
  vi.unstubAllEnvs()
  await rm(home, { recursive: true, force: true })
})

describe('a rehearsal', () => {
  it('finds every expectation met: from 0, drain, upgrade, a lost zone, the limit, to 0 and again', async () => {
    const parts = partsOf(stage, { replicas: 4, most: pool.max })
    const { outcomes, timeline } = await play(stage, parts, report)
    expect(outcomes.filter(({ ok }) => !ok)).toEqual([])
    expect(outcomes).toHaveLength(7)
    for (const { title } of parts) expect(timeline).toContain(`>${title}</text>`)
  })
})
