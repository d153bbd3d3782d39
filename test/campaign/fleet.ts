import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KarpenterPoolSchema } from '../../catalog/node-pool.ts'
import { startCluster, stopCluster } from '../../infra/local/cluster.ts'
import { karpenterNodePool } from '../../infra/nodes/karpenter.ts'
import { placementOf, ZONE_LABEL } from '../../infra/nodes/placement.ts'
import {
  type Fleet,
  SIMULATED,
  SIMULATED_NODE_CLASS,
  startFleet,
} from '../../infra/rehearsal/fleet.ts'
import type { Kubectl } from '../../infra/rehearsal/kubectl.ts'
import { type Mark, type Moment, timelineSvg } from '../../infra/rehearsal/timeline.ts'
import { accelerator, jurisdiction, ZONES } from '../helpers/gpu-pool.ts'
import { type Outcome, type WithoutModel, percent, show } from './campaign.ts'

const NAME = 'fleet-campaign'
const PODS_A_NODE = 5
/** Of a node of eight cards and 512 GiB five such pods fit, and no sixth. */
const POD_MEMORY = '100Gi'
const LOOK_MS = 5000
const PATIENCE_MS = 1_800_000
const PLOT = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'campaigns', 'fleet.svg')

interface Count {
  nodes: number
  zones: Record<string, number>
  bound: number
  elsewhere: number
}

/** Many nodes and five pods on each: all are bound inside, and no node is left when the pods are gone. */
export async function fleet({ size, say }: WithoutModel): Promise<Outcome> {
  const home = await mkdtemp(join(tmpdir(), 'serantau-campaign-fleet-'))
  process.env['SERANTAU_HOME'] = home
  const quiet = () => undefined
  const pool = KarpenterPoolSchema.parse({
    ...{ name: 'l40s', provisioner: 'karpenter', accelerator: 'nvidia-l40s', cards: 8 },
    ...{ max: size, zones: ZONES, instanceTypes: ['eight-cards'], consolidateAfter: '1s' },
    ...{ nodeClassRef: SIMULATED_NODE_CLASS },
  })
  const cluster = await startCluster(NAME, quiet)
  let simulated: Fleet | undefined
  try {
    simulated = await startFleet({ cluster, pools: [pool], jurisdiction }, quiet)
    await simulated.kubectl.apply(karpenterNodePool(pool, accelerator, jurisdiction))
    return await grow(simulated, size, say, placementOf(pool, accelerator, jurisdiction, 1))
  } finally {
    await simulated?.stop()
    await stopCluster(NAME, quiet, { purge: true })
    await rm(home, { recursive: true, force: true })
  }
}

async function grow(
  { kubectl, check }: Fleet,
  size: number,
  say: (line: string) => void,
  placement: ReturnType<typeof placementOf>,
): Promise<Outcome> {
  const pods = size * PODS_A_NODE
  const moments: Moment[] = []
  const marks: Mark[] = []
  const start = performance.now()
  const seconds = () => (performance.now() - start) / 1000
  const until = async (text: string, reached: (count: Count) => boolean): Promise<Count> => {
    const began = seconds()
    marks.push({ seconds: began, text })
    for (;;) {
      await check()
      const count = await countOf(kubectl)
      moments.push({
        ...{ seconds: seconds(), nodes: count.nodes, ready: count.bound },
        waiting: Math.max(0, pods - count.bound),
      })
      say(`${show(seconds())} s: ${count.nodes} nodes, ${count.bound} pods bound`)
      if (reached(count) || (seconds() - began) * 1000 > PATIENCE_MS) return count
      await sleep(LOOK_MS)
    }
  }
  const before = await requestsOf(kubectl)
  await kubectl.apply(workload(pods, placement))
  const bound = await until(`${pods} pods`, (count) => count.bound === pods)
  const boundSeconds = seconds()
  const asked = (await requestsOf(kubectl)) - before
  await kubectl('scale', 'deployment', 'pods', '--replicas=0')
  const gone = await until('to none', ({ nodes }) => nodes === 0)
  await writeFile(PLOT, timelineSvg(moments, marks))
  const outside = Object.keys(bound.zones).filter((zone) => !ZONES.includes(zone))
  return {
    figures: [
      ['nodes asked for by Karpenter', `${bound.nodes}`],
      ['pods bound', percent(bound.bound, pods)],
      ['until all were bound, seconds', show(boundSeconds)],
      ['requests to the API server a second meanwhile', show(asked / boundSeconds)],
      ['nodes by zone', ZONES.map((zone) => `${zone} ${bound.zones[zone] ?? 0}`).join(', ')],
      ['until no node was left, seconds', show(seconds() - boundSeconds)],
      ['nodes left', `${gone.nodes}`],
    ],
    failures: [
      ...(bound.bound === pods ? [] : [`${pods - bound.bound} pods were never bound`]),
      ...(bound.elsewhere === 0 ? [] : [`${bound.elsewhere} pods on nodes of no pool`]),
      ...(outside.length === 0 ? [] : [`nodes in ${outside.join(', ')}`]),
      ...(gone.nodes === 0 ? [] : [`${gone.nodes} nodes leaked`]),
    ],
  }
}

const workload = (replicas: number, placement: ReturnType<typeof placementOf>) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'pods', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'pods' } },
    template: {
      metadata: { labels: { app: 'pods' } },
      spec: {
        affinity: placement.affinity,
        tolerations: placement.tolerations,
        terminationGracePeriodSeconds: 1,
        topologySpreadConstraints: [
          {
            ...{ maxSkew: 1, topologyKey: ZONE_LABEL, whenUnsatisfiable: 'ScheduleAnyway' },
            labelSelector: { matchLabels: { app: 'pods' } },
          },
        ],
        containers: [
          {
            // No node of this campaign runs it: kwok only says that it runs.
            ...{ name: 'server', image: 'serantau.local/none' },
            resources: {
              requests: { memory: POD_MEMORY },
              limits: { 'nvidia.com/gpu': 1, memory: POD_MEMORY },
            },
          },
        ],
      },
    },
  },
})

async function countOf(kubectl: Kubectl): Promise<Count> {
  const columns = (path: string) => [
    '--no-headers',
    '-o',
    `custom-columns=A:${path},B:.spec.nodeName`,
  ]
  const label = ZONE_LABEL.replaceAll('.', '\\.')
  const [nodes, pods] = await Promise.all([
    kubectl(
      'get',
      'nodes',
      '-l',
      `${SIMULATED.key}=${SIMULATED.value}`,
      ...columns(`.metadata.labels.${label}`),
    ),
    kubectl('get', 'pods', '-l', 'app=pods', ...columns('.status.phase')),
  ])
  const zones: Record<string, number> = {}
  const rows = (text: string) =>
    text.split('\n').filter((line) => line.trim() !== '' && !/^No resources/.test(line))
  for (const line of rows(nodes)) {
    const zone = line.trim().split(/\s+/)[0] ?? ''
    zones[zone] = (zones[zone] ?? 0) + 1
  }
  const places = rows(pods).map((line) => line.trim().split(/\s+/)[1] ?? '<none>')
  const bound = places.filter((place) => place !== '<none>')
  return {
    ...{ nodes: rows(nodes).length, zones, bound: bound.length },
    elsewhere: bound.filter((place) => !/^l40s-/.test(place)).length,
  }
}

/** Of all verbs, since the API server's start. */
async function requestsOf(kubectl: Kubectl): Promise<number> {
  const metrics = await kubectl('get', '--raw', '/metrics')
  return metrics
    .split('\n')
    .filter((line) => line.startsWith('apiserver_request_total{'))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
