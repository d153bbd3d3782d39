import { ACCELERATORS } from './accelerators/index.ts'
import { amiTypeOf, migProfileOf } from './cloud-names.ts'
import type { Problem } from './errors.ts'
import {
  isCloudPool,
  type AksPool,
  type CloudPool,
  type EksPool,
  type GkePool,
} from './node-pool.ts'
import { formatPath } from './parse-stack-file.ts'
import type { Jurisdiction, StackFile } from './stack-file.ts'
import { isInside, isOfCloudRegion, zonesOfCloud } from './zone.ts'

type At = (...rest: string[]) => string

/** Every rule of a pool that Amazon, Google or Azure makes which is broken. Pure. */
export function cloudPoolProblems(pool: CloudPool, jurisdiction: Jurisdiction, at: At): Problem[] {
  return [...regionOfZones(pool, jurisdiction, at), ...ofCloud(pool, jurisdiction, at)]
}

function ofCloud(pool: CloudPool, jurisdiction: Jurisdiction, at: At): Problem[] {
  switch (pool.provisioner) {
    case 'eks':
      return eksProblems(pool, at)
    case 'gke':
      return gkeProblems(pool, jurisdiction, at)
    case 'aks':
      return aksProblems(pool, at)
  }
}

const ZONE_EXAMPLE = { eks: 'a', gke: '-a', aks: '-1' } as const

/** A cluster has its nodes in its own region, and zones of another are no place for them. */
function regionOfZones(pool: CloudPool, jurisdiction: Jurisdiction, at: At): Problem[] {
  const { region, provisioner, zones } = pool
  const expected = `zones of ${region}, such as ${region}${ZONE_EXAMPLE[provisioner]}`
  const named = [
    ...zones.map((zone) => ['zones', zone] as const),
    ...(provisioner === 'eks' ? Object.keys(pool.subnets) : []).map(
      (zone) => ['subnets', zone] as const,
    ),
  ]
  const elsewhere = named.filter(([, zone]) => !isOfCloudRegion(zone, pool))
  if (elsewhere.length > 0) {
    return elsewhere.map(([key, zone]) => ({
      path: at(key),
      expected,
      got: JSON.stringify(zone),
      fix: 'choose one of them',
    }))
  }
  if (jurisdiction.zones.length === 0 || zonesOfCloud(pool, jurisdiction).length > 0) return []
  return [
    {
      path: at('region'),
      expected: `a region that jurisdiction.zones (${jurisdiction.zones.join(', ')}) lie in`,
      got: JSON.stringify(region),
      fix: `add zones of it to jurisdiction.zones if they lie inside ${jurisdiction.country}`,
    },
  ]
}

function eksProblems(pool: EksPool, at: At): Problem[] {
  const withSubnet = Object.keys(pool.subnets)
  const differs =
    pool.zones.length > 0 &&
    (pool.zones.some((zone) => !withSubnet.includes(zone)) ||
      withSubnet.some((zone) => !pool.zones.includes(zone)))
  return [
    ...(differs
      ? [
          {
            path: at('subnets'),
            expected: `a subnet for each of zones (${pool.zones.join(', ')}) and no other`,
            got: withSubnet.join(', '),
            fix: 'remove zones: those of the subnets are taken',
          },
        ]
      : []),
    ...(amiTypeOf(pool) === undefined
      ? [
          {
            path: at('amiType'),
            expected: `an image of nodes with ${ACCELERATORS[pool.accelerator].name}`,
            got: 'nothing, and Amazon has none of its own',
            fix: 'set amiType, or use provisioner karpenter with your image',
          },
        ]
      : []),
  ]
}

function gkeProblems(pool: GkePool, jurisdiction: Jurisdiction, at: At): Problem[] {
  const { acceleratorType, accelerator, driver, slice } = pool
  const problems = locationProblems(pool, jurisdiction, at)
  if (accelerator === 'cpu' && acceleratorType !== undefined) {
    problems.push({
      path: at('acceleratorType'),
      expected: 'nothing beside accelerator cpu',
      got: JSON.stringify(acceleratorType),
      fix: 'remove it, or name the accelerator',
    })
  }
  if (driver === 'own' && acceleratorType === undefined && accelerator !== 'cpu') {
    problems.push({
      path: at('acceleratorType'),
      expected: "the card's name at Google: GKE leaves its driver out for a card that is named",
      got: 'nothing',
      fix: 'set it, e.g. nvidia-l4, or remove driver',
    })
  }
  if (slice !== undefined && driver === 'cloud') {
    problems.push({
      path: at('driver'),
      expected:
        '"own" beside slice: GKE announces its own partitions as whole cards, which pods here do not ask for',
      got: '"cloud"',
      fix: 'set driver: own and bring a GPU Operator, or remove slice',
    })
  }
  return problems
}

function locationProblems(pool: GkePool, jurisdiction: Jurisdiction, at: At): Problem[] {
  const { location, region } = pool
  if (location === undefined || location === region) return []
  if (isOfCloudRegion(location, pool) && isInside(location, jurisdiction)) return []
  return [
    {
      path: at('location'),
      expected: `${region}, or a zone of it inside the jurisdiction`,
      got: JSON.stringify(location),
      fix: 'remove it for a regional cluster, or name the zone of the cluster',
    },
  ]
}

function aksProblems(pool: AksPool, at: At): Problem[] {
  if (pool.slice === undefined || pool.driver === 'own') return []
  const { slices } = ACCELERATORS[pool.accelerator]
  // An unknown slice is named by the rules of accelerators.
  if (!slices.some(({ profile }) => profile === pool.slice)) return []
  if (migProfileOf(pool) !== undefined) return []
  const known = slices.map(({ profile }) => profile)
  return [
    {
      path: at('slice'),
      expected: `one of ${known.filter((slice) => migProfileOf({ ...pool, slice })).join(', ')}, which Azure partitions into`,
      got: JSON.stringify(pool.slice),
      fix: 'choose one of them, or set driver: own and bring a GPU Operator',
    },
  ]
}

/** Clouds' node groups belong to a cluster of theirs, and their plugins to Pulumi's own folder. Pure. */
export function cloudPlatformProblems({
  nodePools,
  cluster,
  provider,
}: Pick<StackFile, 'nodePools' | 'cluster' | 'provider'>): Problem[] {
  return nodePools.flatMap((pool, index) => {
    if (!isCloudPool(pool)) return []
    if (cluster.kind === 'existing' && provider !== 'offline') return []
    const offline = provider === 'offline'
    return [
      {
        path: formatPath(['nodePools', index, 'provisioner']),
        expected: offline
          ? "none of a cloud's: with the offline provider no other plugin of Pulumi is there"
          : "a provisioner for the embedded cluster: this one belongs to a cloud's own cluster",
        got: JSON.stringify(pool.provisioner),
        fix: offline
          ? 'remove serantau:provider, or make the nodes by other means and use provisioner existing'
          : 'set cluster: { kind: existing, context: ... }, or use provisioner existing',
      },
    ]
  })
}
