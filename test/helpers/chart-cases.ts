import {
  parseStackFile,
  resolveModels,
  type GatewayValues,
  type ModelServerValues,
} from '../../catalog/index.ts'
import { assignModels } from '../../infra/nodes/assign.ts'
import { gatewayValues, modelServerValues } from '../../infra/serving/helm-values.ts'
import { POOLS_STACK } from './pool-stacks.ts'
import { EXISTING_STACK, IMAGE, LOCAL_STACK } from './stacks.ts'

export interface ChartCase {
  name: string
  chart: 'gateway' | 'model-server'
  values: GatewayValues | ModelServerValues
}

const EDGE = { host: 'ai.gov.example', tlsSecret: 'ai-tls', allowFrom: { namespaces: ['edge'] } }
const STACKS: Record<string, object> = {
  'the smallest local stack': LOCAL_STACK,
  'an existing cluster with two models': EXISTING_STACK,
  'a load balancer': { ...EXISTING_STACK, expose: { kind: 'loadBalancer', ...EDGE } },
  'an ingress': { ...EXISTING_STACK, expose: { kind: 'ingress', className: 'nginx', ...EDGE } },
  'a route of its own Gateway': {
    ...EXISTING_STACK,
    expose: { kind: 'gatewayRoute', className: 'envoy', ...EDGE },
  },
  'proxy, CAs, pull secrets and replicas': {
    ...EXISTING_STACK,
    proxy: { https: 'http://proxy.example:3128', noProxy: ['.gov.example'] },
    caBundle: 'ca.pem',
    imagePullSecrets: ['pull'],
    gatewayReplicas: 3,
  },
  'a model that the gateway scales': {
    ...EXISTING_STACK,
    models: [{ ...EXISTING_STACK.models[0], replicas: { min: 0, max: 1 }, state: { size: '1Gi' } }],
  },
  'models on pools of nodes': POOLS_STACK,
  'a model whose card is claimed': {
    ...POOLS_STACK,
    nodePools: [{ ...POOLS_STACK.nodePools[0], dra: true }],
    models: [POOLS_STACK.models[0]],
  },
  'a model that KEDA scales': {
    ...EXISTING_STACK,
    scaling: { by: 'keda', namespace: 'scalers' },
    models: [{ ...EXISTING_STACK.models[1], replicas: { min: 1, max: 4, idleSeconds: 60 } }],
  },
}

/** What the program hands to the charts for a table of stack files, each different one once. */
export function chartCases(): ChartCase[] {
  const seen = new Set<string>()
  return allCases().filter(({ values }) => {
    const text = JSON.stringify(values)
    return !seen.has(text) && seen.add(text)
  })
}

function allCases(): ChartCase[] {
  return Object.entries(STACKS).flatMap(([name, raw]) => {
    const stack = parseStackFile(raw)
    const models = resolveModels(stack)
    const common = {
      stack,
      image: IMAGE,
      keysSecret: 'serantau-keys',
      systemPrompts: [],
    }
    const placements = assignModels(models, stack.jurisdiction)
    const local = stack.cluster.kind === 'local'
    return [
      { name, chart: 'gateway' as const, values: gatewayValues({ ...common, models }) },
      ...models.map((model) => ({
        name: `${name}: ${model.base.id}`,
        chart: 'model-server' as const,
        values: modelServerValues({
          ...{ ...common, model, weightsClaim: 'weights', local },
          placement: placements.get(model.base.id),
        }),
      })),
    ]
  })
}
