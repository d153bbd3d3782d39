import { ACCELERATORS } from '../../catalog/accelerators/index.ts'
import { countryOf } from '../../catalog/cloud-regions.ts'
import { parseStackFile, resolveModels, type StackFile } from '../../catalog/index.ts'
import { assignModels } from '../../infra/nodes/assign.ts'
import { clusterApiObjects } from '../../infra/nodes/cluster-api.ts'
import { karpenterNodePool } from '../../infra/nodes/karpenter.ts'
import { gatewayValues, modelServerValues } from '../../infra/serving/helm-values.ts'
import { IMAGE } from './stacks.ts'

const LABEL = 'serantau.node-restriction.kubernetes.io/jurisdiction'
const REGION = 'topology.kubernetes.io/region'
const ZONE = 'topology.kubernetes.io/zone'

interface Expression {
  key: string
  operator: string
  values: readonly string[]
}

/**
 * What of an accepted stack file's objects could be placed outside the jurisdiction; throws what refuses
 * it. It reads the rendered objects alone, and knows its own rule of what lies inside.
 */
export function placedOutside(raw: object): string[] {
  const stack = parseStackFile(raw)
  const models = resolveModels(stack)
  const placements = assignModels(models, stack.jurisdiction)
  const common = { stack, image: IMAGE, keysSecret: 'keys' }
  const servers = models.map((model) =>
    modelServerValues({
      ...common,
      ...{ model, placement: placements.get(model.base.id), weightsClaim: 'w' },
      ...{ systemPrompts: [], local: false },
    }),
  )
  return [
    ...stack.nodePools.flatMap((pool) => outsideOfPool(pool, stack)),
    ...[...servers, gatewayValues({ ...common, models })].flatMap(
      ({ fullnameOverride, affinity }) => outsideOfPods(fullnameOverride ?? '', affinity, stack),
    ),
  ]
}

function outsideOfPool(pool: StackFile['nodePools'][number], stack: StackFile): string[] {
  const row = ACCELERATORS[pool.accelerator]
  const { country } = stack.jurisdiction
  switch (pool.provisioner) {
    case 'karpenter': {
      const { metadata, spec } = karpenterNodePool(pool, row, stack.jurisdiction).spec.template
      const { requirements } = spec
      const unbound = requirements.some(({ key }) => key === REGION || key === ZONE)
      return [
        ...(unbound ? [] : [`${pool.name}: neither region nor zone is required`]),
        ...(metadata.labels[LABEL] === country ? [] : [`${pool.name}: label`]),
        ...outsideOf(pool.name, requirements, stack),
      ]
    }
    case 'cluster-api':
      return clusterApiObjects(pool, row, stack.jurisdiction).flatMap((object) => {
        if (!('template' in object.spec)) return []
        const { metadata, spec } = object.spec.template
        const labels: Record<string, string> = metadata.labels
        const zones = 'failureDomain' in spec ? [spec.failureDomain as string] : []
        return [
          ...(labels[LABEL] === country ? [] : [`${pool.name}: label`]),
          ...outsideOf(pool.name, [{ key: ZONE, operator: 'In', values: zones }], stack),
        ]
      })
    default:
      return []
  }
}

function outsideOfPods(name: string, affinity: unknown, stack: StackFile): string[] {
  const terms = (
    affinity as {
      nodeAffinity?: {
        requiredDuringSchedulingIgnoredDuringExecution?: {
          nodeSelectorTerms: { matchExpressions: Expression[] }[]
        }
      }
    }
  )?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (terms === undefined || terms.length === 0) return [`${name}: no required affinity`]
  return terms.flatMap(({ matchExpressions }) => {
    const inside = matchExpressions.find(({ key }) => key === LABEL)
    const bound =
      inside?.operator === 'In' &&
      inside.values.length === 1 &&
      inside.values[0] === stack.jurisdiction.country
    return [
      ...(bound ? [] : [`${name}: the jurisdiction's label is not required`]),
      ...outsideOf(name, matchExpressions, stack),
    ]
  })
}

const isAbroad = (zone: string, country: string) =>
  country !== 'ZZ' &&
  ['', zone.slice(0, -1), zone.slice(0, -2), zone.slice(0, -3)].some(
    (region) => (countryOf(region) ?? country) !== country,
  )

function outsideOf(name: string, expressions: readonly Expression[], stack: StackFile): string[] {
  const { country, regions, zones } = stack.jurisdiction
  return expressions.flatMap(({ key, operator, values }) => {
    if (key !== REGION && key !== ZONE) return []
    if (operator !== 'In') return [`${name}: ${key} ${operator}`]
    return values
      .filter((value) => {
        if (key === REGION) {
          const abroad = countryOf(value)
          return !regions.includes(value) || (country !== 'ZZ' && (abroad ?? country) !== country)
        }
        if (zones.length > 0) return !zones.includes(value) || isAbroad(value, country)
        return !regions.some(
          (region) =>
            value === `${region}${value.slice(region.length)}` &&
            /^([a-z]|-[a-z0-9]{1,2})$/.test(value.slice(region.length)),
        )
      })
      .map((value) => `${name}: ${key} ${value}`)
  })
}
