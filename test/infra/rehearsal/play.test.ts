import { describe, expect, it } from 'vitest'
import { KitError } from '../../../catalog/errors.ts'
import type { Fleet } from '../../../infra/rehearsal/fleet.ts'
import type { Kubectl } from '../../../infra/rehearsal/kubectl.ts'
import { expectAfter, type Stage } from '../../../infra/rehearsal/outcome.ts'
import { zonesInUse } from '../../../infra/rehearsal/observation.ts'
import { partsOf, play } from '../../../infra/rehearsal/play.ts'

const ZONE = 'topology.kubernetes.io/zone'
const READY = { conditions: [{ type: 'Ready', status: 'True' }] }
const NODE = { metadata: { name: 'n', labels: { [ZONE]: 'z1' } }, status: READY }
const POD = { metadata: { name: 'p' }, spec: { nodeName: 'n' }, status: READY }
const GOING = { ...POD, metadata: { name: 'q', deletionTimestamp: '2026-11-28T00:00:00Z' } }

/** A stage whose API server answers with these lists. */
function stageOf(lists: { nodes: unknown[]; pods: unknown[] }, check = () => Promise.resolve()) {
  const list = (kind: string) => Promise.resolve(kind === 'nodes' ? lists.nodes : lists.pods)
  const kubectl = Object.assign(() => Promise.resolve(''), { list }) as unknown as Kubectl
  return {
    fleet: { kubectl, check, openZones: () => Promise.resolve() } as unknown as Fleet,
    workload: { namespace: 'default', deployment: 'model', selector: 'app=model' },
    zones: ['z1', 'z2'],
  } satisfies Stage
}
const nothing = () => Promise.resolve()

describe('an expectation', () => {
  it('says what was seen, and leaves out a pod that is going', async () => {
    const stage = stageOf({ nodes: [NODE], pods: [POD, GOING] })
    const outcome = await expectAfter(stage, 'one pod', 0, nothing, ({ pods }) => pods.length === 1)
    expect(outcome).toMatchObject({ expectation: 'one pod', ok: true })
    expect(outcome.happened).toBe('1 of 1 pods ready; 1 nodes in z1, 0.00 an hour')
  })

  it('is not met when its time is over', async () => {
    const stage = stageOf({ nodes: [], pods: [] })
    const outcome = await expectAfter(stage, 'pods', 0, nothing, ({ pods }) => pods.length > 0)
    expect(outcome).toMatchObject({ ok: false, happened: '0 of 0 pods ready; no node' })
  })

  it('is not met when the act fails, and says why', async () => {
    const fail = () => Promise.reject(new Error('no such deployment'))
    const outcome = await expectAfter(stageOf({ nodes: [], pods: [] }), 'x', 9, fail, () => true)
    expect(outcome).toMatchObject({ ok: false, happened: 'no such deployment' })
  })

  it('throws when Karpenter has ended: then nothing can be said', async () => {
    const fix = 'read it'
    const problem = { path: 'karpenter', expected: 'it runs', got: 'status 1', fix }
    const dead = () => Promise.reject(new KitError('CLUSTER_START_FAILED', problem))
    const stage = stageOf({ nodes: [], pods: [] }, dead)
    await expect(expectAfter(stage, 'x', 9, nothing, () => true)).rejects.toMatchObject({
      code: 'CLUSTER_START_FAILED',
    })
  })
})

describe('a rehearsal', () => {
  it('counts a ready pod on no simulated node as one outside of every zone', () => {
    const pods = [{ name: 'p', node: 'real', ready: true }]
    expect(zonesInUse({ nodes: [], pods })).toEqual(['?'])
  })

  it('goes on behind a part that failed, and reports each', async () => {
    const parts = [
      { title: 'one', play: (stage: Stage) => expectAfter(stage, 'a', 0, nothing, () => false) },
      { title: 'two', play: (stage: Stage) => expectAfter(stage, 'b', 0, nothing, () => true) },
    ]
    const told: string[] = []
    const stage = stageOf({ nodes: [], pods: [] })
    const { outcomes, timeline } = await play(stage, parts, ({ step, state }) =>
      told.push(`${step} ${state}`),
    )
    expect(outcomes.map(({ ok }) => ok)).toEqual([false, true])
    expect(told).toEqual(['one start', 'one failed', 'two start', 'two done'])
    expect(timeline).toContain('>two</text>')
  })

  it('loses no zone where there is one alone', () => {
    const titles = (zones: string[]) =>
      partsOf({ zones }, { replicas: 2, most: 4 }).map(({ title }) => title)
    expect(titles(['z1', 'z2'])).toContain('z1 is lost')
    expect(titles(['z1'])).not.toContain('z1 is lost')
  })
})
