import { describe, expect, test } from 'vitest'
import {
  GatewayValuesSchema,
  ModelServerValuesSchema,
  parseStackFile,
  resolveModels,
} from '../../catalog/index.ts'
import { gatewayValues, modelServerValues } from '../../infra/serving/helm-values.ts'
import { EXISTING_STACK, IMAGE, LOCAL_STACK } from '../helpers/stacks.ts'

const KEYS = 'serantau-keys'

function valuesOf(
  raw: object,
  options: {
    local?: boolean
    clusterIP?: string
    hostCidr?: string
    systemPrompts?: readonly string[]
  },
) {
  const stack = parseStackFile(raw)
  const models = resolveModels(stack)
  const { clusterIP, hostCidr } = options
  return {
    gateway: GatewayValuesSchema.parse(
      gatewayValues({ stack, models, image: IMAGE, keysSecret: KEYS, clusterIP, hostCidr }),
    ),
    models: models.map((model) =>
      ModelServerValuesSchema.parse(
        modelServerValues({
          stack,
          model,
          image: IMAGE,
          keysSecret: KEYS,
          weightsClaim: 'weights',
          placement: undefined,
          systemPrompts: options.systemPrompts ?? [],
          local: options.local ?? false,
        }),
      ),
    ),
  }
}

describe('the gateway', () => {
  test('finds each model by the name that its chart gives the Service', () => {
    const { gateway, models } = valuesOf(EXISTING_STACK, {})
    expect(gateway.config.models.map((model) => model.url)).toEqual(
      models.map((model) => `http://${model.fullnameOverride}.serantau.svc:8080`),
    )
    expect(gateway.config.models).toHaveLength(2)
  })

  test('gets the address and lets in the machine that the embedded cluster names', () => {
    const options = { local: true, clusterIP: '10.96.0.20', hostCidr: '10.99.0.1/32' }
    const { gateway } = valuesOf(LOCAL_STACK, options)
    expect(gateway.service?.clusterIP).toBe('10.96.0.20')
    expect(gateway.expose.allowFrom.cidrs).toEqual(['10.99.0.1/32'])
  })

  test('is exposed as the stack file says, and nobody is added', () => {
    const expose = {
      kind: 'ingress',
      host: 'ai.gov.example',
      tlsSecret: 'ai-tls',
      allowFrom: { namespaces: ['ingress'], cidrs: [] },
    }
    expect(valuesOf({ ...EXISTING_STACK, expose }, {}).gateway.expose).toEqual(expose)
  })

  test('knows of a scaled model what it is scaled by, and the chart how to reach the API server', () => {
    const [first, second] = EXISTING_STACK.models
    const raw = {
      ...EXISTING_STACK,
      models: [{ ...first, replicas: { min: 0, max: 6 }, slots: 8, maxQueued: 10 }, second],
    }
    const { gateway, models } = valuesOf(raw, {})
    expect(gateway.config.models.map(({ scaling }) => scaling)).toEqual([
      {
        ...{ deployment: models[0]?.fullnameOverride, min: 0, max: 6, slots: 8 },
        ...{ waitingPerReplica: 4, waitMs: 15_000, idleMs: 300_000, maxHeld: 18 },
      },
      undefined,
    ])
    expect(gateway.config.scaling).toEqual({
      ...{ by: 'gateway', lease: 'gateway-scaling', holdMs: 300_000 },
    })
    expect(gateway.scaling?.apiServer?.ports).toEqual([443, 6443])
    // What is held may have to be waited for.
    expect(gateway.terminationGracePeriodSeconds).toBe(565)
    // What scales it owns the field.
    expect(models.map(({ replicas, maxReplicas }) => [replicas, maxReplicas])).toEqual([
      [null, 6],
      [1, undefined],
    ])
  })

  test('opens nothing to the API server where KEDA scales, or nothing is scaled', () => {
    const scaled = [{ ...EXISTING_STACK.models[0], replicas: { min: 1, max: 2 } }]
    const keda = { ...EXISTING_STACK, scaling: { by: 'keda' }, models: scaled }
    expect(valuesOf(keda, {}).gateway.scaling).toEqual({ kedaNamespace: 'keda' })
    const { gateway } = valuesOf(EXISTING_STACK, {})
    expect([gateway.scaling, gateway.config.scaling]).toEqual([undefined, undefined])
  })

  test('carries replicas, pull secrets and the name of the keys, never a key', () => {
    const key = { name: 'portal', sha256: 'ab'.repeat(32) }
    const raw = { ...EXISTING_STACK, keys: [key], gatewayReplicas: 3, imagePullSecrets: ['pull'] }
    const { gateway, models } = valuesOf(raw, {})
    expect(gateway).toMatchObject({
      replicas: 3,
      imagePullSecrets: ['pull'],
      keys: { existingSecret: KEYS },
      image: IMAGE,
    })
    expect(JSON.stringify({ gateway, models })).not.toContain(key.sha256)
  })
})

describe('a model server', () => {
  test('serves the file of the store under its digest', () => {
    const [model] = valuesOf(LOCAL_STACK, { local: true }).models
    const { digest, file } = model!.config.model
    expect(file).toBe(`/weights/sha256/${digest}.gguf`)
    expect(model!.weights).toMatchObject({ existingClaim: 'weights', path: null })
    expect(model!.weights.url).toBeUndefined()
  })

  test('shares the cores of the one machine of the embedded cluster', () => {
    expect(valuesOf(LOCAL_STACK, { local: true }).models[0]!.resources).toEqual({
      cpu: 2,
      cpuRequest: '50m',
      memory: '2Gi',
    })
    expect(valuesOf(EXISTING_STACK, {}).models[0]!.resources.cpuRequest).toBeUndefined()
  })

  test('fetches a URL through the proxy and with the CAs of the stack file', () => {
    const raw = {
      ...EXISTING_STACK,
      proxy: { https: 'http://proxy.example:3128' },
      caBundle: 'ca.pem',
    }
    const [byUrl, byClaim] = valuesOf(raw, {}).models
    expect(byUrl!.weights).toMatchObject({
      url: 'https://mirror.example/smollm2.gguf',
      proxy: { https: 'http://proxy.example:3128' },
      caBundle: { configMap: 'serantau-ca-bundle', key: 'ca.pem' },
    })
    expect(byClaim!.weights.proxy).toBeUndefined()
  })

  test('checks a file of a claim in place and serves that', () => {
    const byClaim = valuesOf(EXISTING_STACK, {}).models[1]!
    expect(byClaim.weights.path).toBe('llm/gemma.gguf')
    expect(byClaim.config.model.file).toBe('/weights/llm/gemma.gguf')
  })

  test('does not surge on a claim that one node mounts', () => {
    const [byUrl, byClaim] = valuesOf(EXISTING_STACK, {}).models
    expect(byUrl!.surge).toBe('never')
    expect(byClaim!.surge).toBe('auto')
  })

  test('takes slots, context, queue, time limits and memory from the stack file', () => {
    const [choice] = LOCAL_STACK.models
    const limits = { maxQueued: 9, firstTokenMs: 5000, interTokenMs: 40 }
    const settings = { slots: 7, contextSize: 512, ...limits }
    const raw = { ...LOCAL_STACK, models: [{ ...choice, ...settings, memory: '3Gi', cpu: 1.5 }] }
    const model = valuesOf(raw, { local: true }).models[0]!
    expect(model.config.model).toMatchObject(settings)
    expect(model.resources).toMatchObject({ memory: '3Gi', cpu: 1.5 })
  })

  const withState = (change: object, more: object = {}) => {
    const [choice] = EXISTING_STACK.models
    return { ...EXISTING_STACK, models: [{ ...choice, ...change }], ...more }
  }
  const stateOf = (raw: object) => valuesOf(raw, {}).models[0]!.state

  test('gets the texts of its system prompts', () => {
    const systemPrompts = ['You serve the land office.', 'Kamu pembantu.']
    const [model] = valuesOf(LOCAL_STACK, { local: true, systemPrompts }).models
    expect(model!.config.model.systemPrompts).toEqual(systemPrompts)
    expect(valuesOf(LOCAL_STACK, {}).models[0]!.config.model.systemPrompts).toEqual([])
  })

  test('keeps states with the pod, and prefixes in slots alone, unless told', () => {
    const [model] = valuesOf(LOCAL_STACK, { local: true }).models
    expect(model!.state).toEqual({})
    expect(model!.prefixCache).toEqual({ memory: null })
  })

  test('gets the memory for prefixes that the stack file gives it', () => {
    const [model] = valuesOf(withState({ prefixCache: { memory: '256Mi' } }), {}).models
    expect(model!.prefixCache).toEqual({ memory: '256Mi' })
  })

  test('uses a claim of states that is there', () => {
    expect(stateOf(withState({ state: { claim: 'states' } }))).toEqual({ existingClaim: 'states' })
  })

  test('gets a claim of states of the storage class, for as many nodes as it has replicas', () => {
    const state = { size: '2Gi' }
    const once = { size: '2Gi', storageClass: null, accessMode: 'ReadWriteOnce' }
    expect(stateOf(withState({ state }))).toEqual(once)
    const many = withState({ state, replicas: 2 }, { storageClass: 'fast' })
    const expected = { size: '2Gi', storageClass: 'fast', accessMode: 'ReadWriteMany' }
    expect(stateOf(many)).toEqual(expected)
  })

  test('does not surge on a claim of states that one node mounts', () => {
    const weights = { from: 'pvc', claim: 'llm', path: 'm.gguf' }
    const surgeOf = (change: object) =>
      valuesOf(withState({ weights, ...change }), {}).models[0]!.surge
    expect(surgeOf({ state: { size: '2Gi' } })).toBe('never')
    expect(surgeOf({ state: { size: '2Gi' }, replicas: 2 })).toBe('auto')
    expect(surgeOf({ state: { claim: 'states' } })).toBe('auto')
  })
})
