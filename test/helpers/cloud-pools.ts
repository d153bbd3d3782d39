import fc from 'fast-check'
import { ACCELERATOR_IDS } from '../../catalog/accelerator.ts'
import { poolProblems } from '../../catalog/check-pools.ts'
import { NodePoolSchema, type CloudPool } from '../../catalog/node-pool.ts'
import { JurisdictionSchema, type Jurisdiction } from '../../catalog/stack-file.ts'

/** Regions of the three clouds inside and outside, as each writes them and their zones. */
const PLACES = {
  eks: ['ap-southeast-5', 'ap-southeast-1', 'us-east-1'].map((region) => ({
    ...{ region, zones: ['a', 'b', 'c'].map((letter) => `${region}${letter}`) },
  })),
  gke: ['asia-southeast2', 'asia-southeast1', 'us-east1'].map((region) => ({
    ...{ region, zones: ['a', 'b', 'c'].map((letter) => `${region}-${letter}`) },
  })),
  aks: ['malaysiawest', 'southeastasia', 'eastus'].map((region) => ({
    ...{ region, zones: ['1', '2', '3'].map((number) => `${region}-${number}`) },
  })),
} as const

type Kind = keyof typeof PLACES
const COUNTRY: Record<Kind, string> = { eks: 'MY', gke: 'ID', aks: 'MY' }

export interface PoolInside<Pool> {
  pool: Pool
  jurisdiction: Jurisdiction
}

/** Any pool of a cloud and any jurisdiction, of which those that break a rule are left out. */
export function poolsInside<K extends Kind>(
  kind: K,
): fc.Arbitrary<PoolInside<Extract<CloudPool, { provisioner: K }>>> {
  const places = PLACES[kind]
  const [inside] = places
  const everyZone = places.flatMap(({ zones }) => zones)
  const zones = fc.uniqueArray(fc.constantFrom(...(inside?.zones ?? [])), { maxLength: 3 })
  const anyZones = fc.oneof(
    { weight: 4, arbitrary: zones },
    { weight: 1, arbitrary: fc.uniqueArray(fc.constantFrom(...everyZone), { maxLength: 3 }) },
  )
  const region = fc.oneof(
    { weight: 6, arbitrary: fc.constant(inside?.region ?? '') },
    { weight: 1, arbitrary: fc.constantFrom(...places.map((place) => place.region)) },
  )
  return fc
    .record({
      region,
      zones: anyZones,
      ofCountry: anyZones,
      subnets: anyZones,
      accelerator: fc.constantFrom(...ACCELERATOR_IDS),
      cards: fc.constantFrom(1, 2, 4, 8),
      min: fc.nat({ max: 4 }),
      max: fc.integer({ min: 1, max: 9 }),
      spot: fc.boolean(),
      driver: fc.constantFrom('cloud', 'own'),
      acceleratorType: fc.constantFrom(undefined, 'nvidia-l4'),
      slice: fc.constantFrom(undefined, undefined, '1g.10gb', '1g.20gb'),
    })
    .map((drawn) => inJurisdiction(kind, inside?.region ?? '', drawn))
    .filter((found) => found !== undefined)
    .map((found) => found as PoolInside<Extract<CloudPool, { provisioner: K }>>)
}

interface Drawn {
  region: string
  zones: string[]
  ofCountry: string[]
  subnets: string[]
  accelerator: string
  cards: number
  min: number
  max: number
  spot: boolean
  driver: string
  acceleratorType: string | undefined
  slice: string | undefined
}

function inJurisdiction(kind: Kind, home: string, drawn: Drawn): PoolInside<CloudPool> | undefined {
  const { region, zones, accelerator, cards, min, max, slice, spot } = drawn
  const jurisdiction = JurisdictionSchema.parse({
    ...{ country: COUNTRY[kind], regions: [home], zones: drawn.ofCountry },
  })
  const common = {
    ...{ name: 'cards', provisioner: kind, accelerator, cards, slice, zones, min, max },
    ...{ cluster: 'gov', region, instanceType: 'some.type' },
  }
  const parsed = NodePoolSchema.safeParse({ ...common, ...ofCloud(kind, drawn, spot) })
  if (!parsed.success) return undefined
  const pool = parsed.data as CloudPool
  const problems = poolProblems({ jurisdiction, nodePools: [pool] })
  return problems.length === 0 ? { pool, jurisdiction } : undefined
}

function ofCloud(kind: Kind, { subnets, driver, acceleratorType }: Drawn, spot: boolean) {
  switch (kind) {
    case 'eks':
      return {
        nodeRoleArn: 'arn:aws:iam::1:role/nodes',
        subnets: Object.fromEntries(subnets.map((zone) => [zone, `subnet-${zone}`])),
        capacityType: spot ? 'spot' : 'on-demand',
      }
    case 'gke':
      return { project: 'gov', acceleratorType, driver, spot }
    case 'aks':
      return { resourceGroup: 'gov', driver, spot }
  }
}
