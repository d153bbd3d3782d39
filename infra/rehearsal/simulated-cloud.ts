import { ACCELERATORS } from '../../catalog/accelerators/index.ts'
import type { AcceleratorId } from '../../catalog/accelerator.ts'
import type { KarpenterPool } from '../../catalog/node-pool.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import { zonesOf } from '../../catalog/zone.ts'
import type { Prices } from '../nodes/plan.ts'
import { resourceOf, ZONE_LABEL } from '../nodes/placement.ts'

/** A type of machine as Karpenter's simulated cloud reads it from its file. */
export interface InstanceType {
  name: string
  architecture: string
  operatingSystems: string[]
  resources: Record<string, string>
  offerings: Offering[]
}

interface Offering {
  /** Money an hour. */
  Price: number
  Available: boolean
  Requirements: { key: string; operator: 'In'; values: string[] }[]
}

/** Outside every jurisdiction and cheaper: that no node lies there is the NodePool's doing. */
export const ABROAD = { region: 'abroad-1', zone: 'abroad-1a', discount: 0.5 }
const UNKNOWN_PRICE = 1
const COUNTS = [1, 2, 4, 8]
/** Beside each card; plain figures of the simulation, no cloud's. */
const CPUS_A_CARD = 8
const MEMORY_GIB_A_CARD = 64
const REGION = 'topology.kubernetes.io/region'

interface Place {
  region: string
  zone: string
  /** Of the price at home. */
  factor: number
}

/**
 * What the cloud sells: for each pool its card in 1, 2, 4 and 8, in the zones of the jurisdiction and in
 * one abroad. A region without zones gets two, `a` and `b`. Pure. A price is for one card and hour; where
 * the table has none, it is 1. In a closed zone nothing is sold. Reserved capacity is not simulated.
 */
export function simulatedCloud(
  pools: readonly KarpenterPool[],
  jurisdiction: Jurisdiction,
  prices: Prices,
  closedZones: ReadonlySet<string> = new Set(),
): InstanceType[] {
  const types = pools.flatMap((pool) => instanceTypesOf(pool, jurisdiction, prices))
  const merged = new Map<string, InstanceType>()
  for (const type of types) {
    const known = merged.get(type.name)
    const offerings = [...(known?.offerings ?? []), ...type.offerings]
    merged.set(type.name, { ...type, offerings: distinct(offerings) })
  }
  return [...merged.values()].map(({ offerings, ...type }) => ({
    ...type,
    offerings: offerings.filter(({ Requirements }) =>
      Requirements.every(({ values }) => values.every((value) => !closedZones.has(value))),
    ),
  }))
}

function instanceTypesOf(
  pool: KarpenterPool,
  jurisdiction: Jurisdiction,
  prices: Prices,
): InstanceType[] {
  const places = placesOf(pool, jurisdiction)
  const make = (name: string, count: number): InstanceType => ({
    name,
    architecture: ACCELERATORS[pool.accelerator].cpuArchitectures[0] ?? 'amd64',
    operatingSystems: ['linux'],
    resources: resourcesOf(pool, count),
    offerings: offeringsOf(pool, places, (prices[pool.accelerator] ?? UNKNOWN_PRICE) * count),
  })
  // Named types of a real cloud have what the pool says of them.
  if (pool.instanceTypes.length > 0) return pool.instanceTypes.map((name) => make(name, pool.cards))
  return COUNTS.map((count) => make(typeName(pool, count), count))
}

/** `nvidia-l40s.x4`; behind a slice's name `nvidia-h100.1g.10gb.x1`. */
export function typeName(
  { accelerator, slice }: { accelerator: AcceleratorId; slice?: string | undefined },
  count: number,
): string {
  return [accelerator, ...(slice === undefined ? [] : [slice]), `x${count}`].join('.')
}

function resourcesOf(pool: KarpenterPool, count: number): Record<string, string> {
  const accelerator = ACCELERATORS[pool.accelerator]
  const resource = resourceOf(pool, accelerator)
  const most = accelerator.slices.find(({ profile }) => profile === pool.slice)?.most ?? 1
  return {
    cpu: `${pool.nodeCpus ?? CPUS_A_CARD * count}`,
    memory: `${MEMORY_GIB_A_CARD * count}Gi`,
    'ephemeral-storage': '500Gi',
    ...(resource === undefined ? {} : { [resource]: `${most * count}` }),
  }
}

/** Zones inside in which machines of the pool are sold: its own, or two of each region. */
export function soldZones(pool: KarpenterPool, jurisdiction: Jurisdiction): readonly string[] {
  const named = zonesOf(pool, jurisdiction)
  if (named.length > 0) return named
  return jurisdiction.regions.flatMap((name) => [`${name}a`, `${name}b`])
}

function placesOf(pool: KarpenterPool, jurisdiction: Jurisdiction): Place[] {
  const { regions } = jurisdiction
  const home = soldZones(pool, jurisdiction).map((zone) => ({
    region: regions.find((region) => zone.startsWith(region)) ?? regions[0] ?? zone,
    zone,
    factor: 1,
  }))
  return [...home, { region: ABROAD.region, zone: ABROAD.zone, factor: ABROAD.discount }]
}

const offeringsOf = (pool: KarpenterPool, places: readonly Place[], price: number): Offering[] =>
  pool.capacityTypes
    .filter((capacityType) => capacityType !== 'reserved')
    .flatMap((capacityType) =>
      places.map(({ region, zone, factor }) => ({
        Price: price * factor,
        Available: true,
        Requirements: [
          { key: 'karpenter.sh/capacity-type', operator: 'In', values: [capacityType] },
          { key: REGION, operator: 'In', values: [region] },
          { key: ZONE_LABEL, operator: 'In', values: [zone] },
        ],
      })),
    )

/** Two pools of one card offer the same machines. */
function distinct(offerings: readonly Offering[]): Offering[] {
  const keyOf = ({ Requirements }: Offering): string => JSON.stringify(Requirements)
  return [...new Map(offerings.map((offering) => [keyOf(offering), offering])).values()]
}
