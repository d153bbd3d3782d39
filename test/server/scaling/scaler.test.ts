import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ModelScalingSchema } from '../../../catalog/scaling.ts'
import { Demand } from '../../../server/gateway/scaling/demand.ts'
import { Scaler, type ScalingEvent } from '../../../server/gateway/scaling/scaler.ts'
import { SharedDemand } from '../../../server/gateway/scaling/shared-demand.ts'
import { FakeKubernetes, LEASE } from '../../helpers/fake-kubernetes.ts'

const MODEL = 'fake-1'
const DEPLOYMENT = 'model-fake-1'
const policy = ModelScalingSchema.parse({
  ...{ deployment: DEPLOYMENT, min: 0, max: 4, slots: 2, waitingPerReplica: 2 },
  ...{ waitMs: 15_000, idleMs: 60_000, maxHeld: 8 },
})

let kubernetes: FakeKubernetes
let nowMs: number
const now = () => nowMs
const closes: (() => Promise<void>)[] = []
beforeEach(async () => {
  nowMs = 0
  kubernetes = await FakeKubernetes.start()
  kubernetes.setReplicas(DEPLOYMENT, 0)
})
afterEach(async () => {
  for (const close of closes.splice(0)) await close()
  await kubernetes.close()
})

/** One gateway's share of it, whose looks are taken by hand. */
function gateway(name: string) {
  const api = kubernetes.api()
  const demand = new Demand(now)
  const shared = new SharedDemand(api, 'gateway-scaling', name, now)
  const events: ScalingEvent[] = []
  const report = (event: ScalingEvent) => events.push(event)
  const scaler = new Scaler({ models: [{ id: MODEL, policy, demand }], api, shared, report, now })
  closes.push(async () => {
    await scaler.stop()
    await api.close()
  })
  return { scaler, demand, events, shared }
}

/** Looks of all, one a second. */
async function pass(seconds: number, ...gateways: ReturnType<typeof gateway>[]) {
  for (let second = 0; second < seconds; second++) {
    nowMs += 1000
    for (const { scaler } of gateways) await scaler.look()
  }
}

describe('a gateway alone', () => {
  test('starts a pod for the first request, and ends it when nobody asked for the idle time', async () => {
    const only = gateway('a')
    await only.scaler.look()
    expect(kubernetes.replicas(DEPLOYMENT)).toBe(0)
    const end = only.demand.begin()
    await only.scaler.look()
    expect(kubernetes.replicas(DEPLOYMENT)).toBe(1)
    end()
    await pass(59, only)
    expect(kubernetes.replicas(DEPLOYMENT)).toBe(1)
    await pass(3, only)
    expect(kubernetes.replicas(DEPLOYMENT)).toBe(0)
    expect(only.events).toEqual([
      { event: 'scaled', model: MODEL, from: 0, to: 1 },
      { event: 'scaled', model: MODEL, from: 1, to: 0 },
    ])
  })

  test('decides anew when somebody else wrote the Deployment in between', async () => {
    const only = gateway('a')
    only.demand.begin()
    let others = 0
    kubernetes.beforePatch = (path) => {
      if (path.endsWith('/scale') && others++ === 0) kubernetes.setReplicas(DEPLOYMENT, 3)
    }
    await only.scaler.look()
    expect(kubernetes.replicas(DEPLOYMENT)).toBe(3)
    expect(only.events).toEqual([])
  })

  test('asks for nothing but its Lease and the scale of its Deployments', async () => {
    const only = gateway('a')
    only.demand.begin()
    await pass(3, only)
    const scale = `/apis/apps/v1/namespaces/ai/deployments/${DEPLOYMENT}/scale`
    expect(new Set(kubernetes.asked)).toEqual(
      new Set([`PATCH ${LEASE}`, `GET ${scale}`, `PATCH ${scale}`]),
    )
  })

  test.each([403, 500])(
    'tells of a %i once, goes on, and tells that it works again',
    async (status) => {
      const only = gateway('a')
      only.demand.begin()
      kubernetes.failWith = status
      await pass(3, only)
      expect(only.events).toMatchObject([
        { event: 'scaling_failed', cause: `API server: ${status}` },
      ])
      kubernetes.failWith = undefined
      await pass(1, only)
      expect(only.events.slice(1)).toMatchObject([{ event: 'scaled' }, { event: 'scaling_works' }])
    },
  )

  test('raises without a Lease, by its own demand, and lowers nothing', async () => {
    kubernetes.put(LEASE.replace('gateway-scaling', 'gone'), {})
    const api = kubernetes.api()
    const demand = new Demand(now)
    const shared = new SharedDemand(api, 'missing', 'a', now)
    const scaler = new Scaler({
      ...{ models: [{ id: MODEL, policy, demand }], api, shared, report: () => {}, now },
    })
    closes.push(() => api.close())
    const end = demand.begin()
    await scaler.look()
    expect(kubernetes.replicas(DEPLOYMENT)).toBe(1)
    end()
    for (let second = 0; second < 120; second++) {
      nowMs += 1000
      await scaler.look()
    }
    expect(kubernetes.replicas(DEPLOYMENT)).toBe(1)
  })
})

describe('several gateways', () => {
  test('raise by the demand of all of them', async () => {
    const [a, b] = [gateway('a'), gateway('b')]
    for (const { demand } of [a, a, a, b, b, b]) demand.begin()
    await pass(2, a, b)
    // Six requests at four a replica; either alone would want one.
    expect(kubernetes.replicas(DEPLOYMENT)).toBe(2)
  })

  test('do not lower while another one has requests, and one alone lowers', async () => {
    const [a, b] = [gateway('a'), gateway('b')]
    const end = b.demand.begin()
    await pass(120, a, b)
    expect(kubernetes.replicas(DEPLOYMENT)).toBe(1)
    end()
    await pass(63, a, b)
    expect(kubernetes.replicas(DEPLOYMENT)).toBe(0)
    expect(kubernetes.spec(LEASE)).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15 })
    expect([...a.events, ...b.events].filter(({ event }) => event === 'scaled')).toHaveLength(2)
  })

  test('leave lowering to the one that holds the Lease', async () => {
    const [a, b] = [gateway('a'), gateway('b')]
    kubernetes.setReplicas(DEPLOYMENT, 2)
    for (let second = 0; second < 70; second++) {
      nowMs += 1000
      await a.shared.exchange({})
      await b.scaler.look()
    }
    expect(kubernetes.replicas(DEPLOYMENT)).toBe(2)
  })

  test('go on without the one that held the Lease, and forget its demand', async () => {
    const [a, b] = [gateway('a'), gateway('b')]
    a.demand.begin()
    await pass(2, a, b)
    expect(kubernetes.spec(LEASE)).toMatchObject({ holderIdentity: 'a' })
    // Killed: it writes nothing any more, its request is gone with it.
    await pass(12, b)
    expect(kubernetes.spec(LEASE)).toMatchObject({ holderIdentity: 'a' })
    await pass(4, b)
    expect(kubernetes.spec(LEASE)).toMatchObject({ holderIdentity: 'b', leaseTransitions: 2 })
    await pass(64, b)
    expect(kubernetes.replicas(DEPLOYMENT)).toBe(0)
    expect(Object.keys(kubernetes.annotations(LEASE))).toEqual(['demand.serantau/b'])
  })

  test('hand the Lease over when one ends in order', async () => {
    const [a, b] = [gateway('a'), gateway('b')]
    await pass(2, a, b)
    await a.scaler.stop()
    await pass(1, b)
    expect(kubernetes.spec(LEASE)).toMatchObject({ holderIdentity: 'b' })
  })

  test('pass over what a gateway of another version wrote', async () => {
    const only = gateway('a')
    await only.scaler.look()
    kubernetes.annotations(LEASE)['demand.serantau/z'] = '{"v":2}'
    await pass(1, only)
    expect(only.events).toEqual([])
  })
})
