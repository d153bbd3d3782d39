import type { AcceleratorId } from './accelerator.ts'
import { ACCELERATORS } from './accelerators/index.ts'
import { cloudPoolProblems } from './check-cloud-pools.ts'
import { countryOf, regionsOf } from './cloud-regions.ts'
import type { Problem } from './errors.ts'
import { isCloudPool, type ExistingPool, type NodePool } from './node-pool.ts'
import { formatPath } from './parse-stack-file.ts'
import type { StackFile } from './stack-file.ts'
import { countryOfZone, isInside, zonesOf } from './zone.ts'

type Stack = Pick<StackFile, 'jurisdiction' | 'nodePools'>

/** Country of a jurisdiction that does not say its own. */
const NOT_STATED = 'ZZ'

/** Every rule between a stack's pools, its jurisdiction and the accelerators that is broken. Pure. */
export function poolProblems(stack: Stack): Problem[] {
  return [
    ...regionProblems(stack),
    ...stack.nodePools.flatMap((pool, index) => {
      const at = (...rest: string[]) => formatPath(['nodePools', index, ...rest])
      return [
        ...nameProblems(stack, pool, index),
        ...acceleratorProblems(pool, at),
        ...borderProblems(stack, pool, at),
        ...countProblems(pool, at),
        ...(isCloudPool(pool) ? cloudPoolProblems(pool, stack.jurisdiction, at) : []),
      ]
    }),
    ...overlapProblems(stack),
  ]
}

/** Regions of public clouds, and zones whose names say theirs, that are known to lie abroad. */
function regionProblems({ jurisdiction }: Stack): Problem[] {
  const { country, regions, zones } = jurisdiction
  if (country === NOT_STATED) return []
  return [
    ...abroadOf(country, 'region', regions, countryOf),
    ...abroadOf(country, 'zone', zones, countryOfZone),
  ]
}

function abroadOf(
  country: string,
  kind: 'region' | 'zone',
  names: readonly string[],
  whereIs: (name: string) => string | undefined,
): Problem[] {
  return names.flatMap((name, index) => {
    const abroad = whereIs(name)
    if (abroad === undefined || abroad === country) return []
    const own = regionsOf(country)
    return [
      {
        path: formatPath(['jurisdiction', `${kind}s`, index]),
        expected: `a ${kind} inside ${country}`,
        got: `"${name}", which lies in ${abroad}`,
        fix: own.length > 0 ? `choose of ${own.join(', ')}` : `name a ${kind} of a provider there`,
      },
    ]
  })
}

function nameProblems({ nodePools }: Stack, { name }: NodePool, index: number): Problem[] {
  if (nodePools.findIndex((other) => other.name === name) === index) return []
  return [
    {
      path: formatPath(['nodePools', index, 'name']),
      expected: 'each name once',
      got: `"${name}" a second time`,
      fix: 'give it another name',
    },
  ]
}

type At = (...rest: string[]) => string

function acceleratorProblems(pool: NodePool, at: At): Problem[] {
  const { engine, slices, deviceClass, name } = ACCELERATORS[pool.accelerator]
  if ('refused' in engine) {
    return [
      {
        path: at('accelerator'),
        expected: 'an accelerator that the engine runs on',
        got: `${name}: ${engine.refused}`,
        fix: `choose of ${servable().join(', ')}`,
      },
    ]
  }
  if (pool.slice !== undefined && !slices.some(({ profile }) => profile === pool.slice)) {
    const known = slices.map(({ profile }) => profile)
    return [
      {
        path: at('slice'),
        expected:
          known.length > 0
            ? `one of ${known.join(', ')}`
            : `nothing: ${name} cannot be partitioned`,
        got: JSON.stringify(pool.slice),
        fix: known.length > 0 ? 'choose one of them' : 'remove it',
      },
    ]
  }
  if (pool.dra && (deviceClass === undefined || pool.slice !== undefined)) {
    return [
      {
        path: at('dra'),
        expected:
          deviceClass === undefined
            ? `false: no driver for dynamic resource allocation is known of ${name}`
            : 'false beside slice: a claim asks for whole cards',
        got: 'true',
        fix: 'remove one of the two, and let pods ask by the extended resource',
      },
    ]
  }
  if (
    pool.provisioner === 'karpenter' &&
    pool.accelerator === 'cpu' &&
    pool.nodeCpus === undefined
  ) {
    return [
      {
        path: at('nodeCpus'),
        expected: 'CPUs of a node: Karpenter bounds resources, not nodes',
        got: 'nothing',
        fix: 'set nodeCpus to the CPUs of the instance types',
      },
    ]
  }
  return []
}

const servable = () =>
  (Object.keys(ACCELERATORS) as AcceleratorId[]).filter((id) => 'image' in ACCELERATORS[id].engine)

/** Nothing is asked for outside the jurisdiction, and nowhere is it left open where. */
function borderProblems({ jurisdiction }: Stack, pool: NodePool, at: At): Problem[] {
  const { country, regions, zones } = jurisdiction
  const inside =
    zones.length > 0 ? zones.join(', ') : `a zone of ${regions.join(', ') || 'a region'}`
  const outside = [...pool.zones, ...(pool.provisioner === 'eks' ? Object.keys(pool.subnets) : [])]
    .filter((zone) => !isInside(zone, jurisdiction))
    .map((zone) => ({
      path: at(pool.provisioner === 'eks' && zone in pool.subnets ? 'subnets' : 'zones'),
      expected: `zones of the jurisdiction ${country} (${inside})`,
      got: JSON.stringify(zone),
      fix: 'choose one of them, or add the zone to jurisdiction.zones if it lies inside the country',
    }))
  const region =
    'region' in pool && !regions.includes(pool.region)
      ? [
          {
            path: at('region'),
            expected: `one of jurisdiction.regions (${regions.join(', ') || 'none'})`,
            got: JSON.stringify(pool.region),
            fix: `choose one of them, or add it there if it lies inside ${country}`,
          },
        ]
      : []
  const open =
    pool.provisioner === 'karpenter' &&
    regions.length === 0 &&
    zonesOf(pool, jurisdiction).length === 0
      ? [
          {
            path: formatPath(['jurisdiction', 'regions']),
            expected: `the regions of your provider inside ${country}: "${pool.name}" asks for nodes there alone`,
            got: 'none',
            fix: 'set jurisdiction.regions, or jurisdiction.zones',
          },
        ]
      : []
  return [...outside, ...region, ...open]
}

function countProblems(pool: NodePool, at: At): Problem[] {
  if (!('max' in pool) || pool.min <= pool.max) return []
  return [
    {
      path: at('min'),
      expected: `<= max, ${pool.max}`,
      got: `${pool.min}`,
      fix: 'lower min or raise max',
    },
  ]
}

/** A node of two pools would be counted twice, and its cards promised to two models. */
function overlapProblems({ nodePools }: Stack): Problem[] {
  const existing = nodePools.flatMap((pool, index) =>
    pool.provisioner === 'existing' ? [{ pool, index }] : [],
  )
  return existing.flatMap(({ pool, index }, at) => {
    const other = existing.slice(0, at).find((before) => canShare(before.pool, pool))
    if (other === undefined) return []
    return [
      {
        path: formatPath(['nodePools', index, 'nodeLabels']),
        expected: `labels or zones that no node of "${other.pool.name}" can have as well`,
        got: JSON.stringify(pool.nodeLabels),
        fix: 'give both pools one label with different values',
      },
    ]
  })
}

function canShare(one: ExistingPool, other: ExistingPool): boolean {
  const labels = Object.entries(one.nodeLabels)
  if (labels.some(([key, value]) => (other.nodeLabels[key] ?? value) !== value)) return false
  if (one.zones.length === 0 || other.zones.length === 0) return true
  return one.zones.some((zone) => other.zones.includes(zone))
}
