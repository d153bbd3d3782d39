import { ZONE_LABEL, POOL_LABEL } from '../nodes/placement.ts'
import { ABROAD } from './simulated-cloud.ts'
import type { Kubectl } from './kubectl.ts'
import type { Outcome } from './outcome.ts'

/** What became of one pool when the stack was deployed. */
export interface PoolFacts {
  name: string
  /** NodeClaims: nodes that Karpenter asked for. */
  asked: number
  /** Nodes that are there, by zone. */
  zones: Readonly<Record<string, number>>
  /** Money an hour, as the simulated cloud sold them. */
  price: number
}

interface Labelled {
  metadata: { labels?: Record<string, string> }
}

const PRICE_LABEL = 'eks-node-viewer/instance-price'

export async function factsOfPool(kubectl: Kubectl, name: string): Promise<PoolFacts> {
  const [claims, nodes] = await Promise.all([
    kubectl.list<Labelled>('nodeclaims', '-l', `karpenter.sh/nodepool=${name}`),
    kubectl.list<Labelled>('nodes', '-l', `${POOL_LABEL}=${name}`),
  ])
  const labels = nodes.map(({ metadata }) => metadata.labels ?? {})
  const zones: Record<string, number> = {}
  for (const { [ZONE_LABEL]: zone = '' } of labels) zones[zone] = (zones[zone] ?? 0) + 1
  const price = labels.reduce((sum, label) => sum + Number(label[PRICE_LABEL] ?? 0), 0)
  return { name, asked: claims.length, zones, price }
}

/** No node of any pool lies where the cloud sells cheaper abroad, nor in a zone that is not the pool's. */
export function insideOnly(
  facts: readonly PoolFacts[],
  zonesOfPool: (name: string) => readonly string[],
): Outcome {
  const outside = facts.flatMap(({ name, zones }) =>
    Object.keys(zones)
      .filter((zone) => !zonesOfPool(name).includes(zone))
      .map((zone) => `${name} in ${zone}`),
  )
  const seen = facts.flatMap(({ zones }) =>
    Object.entries(zones).map(([zone, count]) => `${count} in ${zone}`),
  )
  return {
    expectation: `no node lies outside the zones of its pool, though ${ABROAD.zone} abroad sells at half the price`,
    happened: outside.length > 0 ? outside.join(', ') : seen.join(', ') || 'no node was made',
    ok: outside.length === 0 && seen.length > 0,
    seconds: 0,
  }
}
