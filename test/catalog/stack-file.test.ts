import { describe, expect, test } from 'vitest'
import { KitError, parseStackFile, resolveModels, type ErrorCode } from '../../catalog/index.ts'

const minimal = {
  jurisdiction: { country: 'MY' },
  models: [{ id: 'smollm2-135m-instruct' }],
}
const image = `registry.example/serantau/server@sha256:${'a'.repeat(64)}`
const existing = {
  ...minimal,
  cluster: { kind: 'existing', context: 'gov' },
  image,
  models: [
    { id: 'smollm2-135m-instruct', weights: { from: 'url', url: 'https://files.example/m.gguf' } },
  ],
}
const model = (change: object) => ({ ...minimal, models: [{ ...minimal.models[0], ...change }] })
const hash = 'b'.repeat(64)

function refusal(raw: unknown): KitError {
  try {
    resolveModels(parseStackFile(raw))
  } catch (error) {
    if (error instanceof KitError) return error
    throw error
  }
  throw new Error('the stack file was accepted')
}

describe('a stack file', () => {
  test('needs only a jurisdiction and a model', () => {
    const [served] = resolveModels(parseStackFile(minimal))
    expect(served).toMatchObject({
      replicas: 1,
      contextSize: 2048,
      base: { id: 'smollm2-135m-instruct' },
      file: { quantization: 'Q4_1' },
    })
  })

  test('gives a model 30 s to its first token and 100 ms between tokens unless told', () => {
    const limitsOf = (raw: unknown) => {
      const { firstTokenMs, interTokenMs } = resolveModels(parseStackFile(raw))[0]!.choice
      return [firstTokenMs, interTokenMs]
    }
    expect(limitsOf(minimal)).toEqual([30_000, 100])
    expect(limitsOf(model({ firstTokenMs: 5000, interTokenMs: 40 }))).toEqual([5000, 40])
  })

  test('takes replicas as a number or as equal bounds', () => {
    expect(resolveModels(parseStackFile(model({ replicas: 3 })))[0]?.replicas).toBe(3)
    const bounds = { replicas: { min: 2, max: 2 } }
    expect(resolveModels(parseStackFile(model(bounds)))[0]?.replicas).toBe(2)
  })

  test('scales between bounds, with bounds of its own for waiting and idleness', () => {
    const [served] = resolveModels(parseStackFile(model({ replicas: { min: 0, max: 6 } })))
    expect(served).toMatchObject({
      replicas: 6,
      bounds: { min: 0, max: 6, waiting: 4, idleSeconds: 300 },
    })
    const fixed = resolveModels(parseStackFile(model({ replicas: { min: 2, max: 2 } })))[0]
    expect(fixed).not.toHaveProperty('bounds')
  })

  test('is scaled by the gateway unless told otherwise', () => {
    expect(parseStackFile(minimal).scaling).toEqual({
      by: 'gateway',
      holdSeconds: 300,
      apiServer: {
        cidrs: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
        ports: [443, 6443],
      },
    })
    expect(parseStackFile({ ...minimal, scaling: { by: 'keda' } }).scaling).toEqual({
      ...{ by: 'keda', holdSeconds: 300, namespace: 'keda' },
    })
  })

  test('serves gemma when its licence is accepted by name', () => {
    const stack = { ...minimal, models: [{ id: 'gemma-3-270m' }], acceptedLicences: ['gemma'] }
    expect(resolveModels(parseStackFile(stack))[0]?.base.id).toBe('gemma-3-270m')
  })

  test('of an existing cluster names context, image and weights', () => {
    expect(resolveModels(parseStackFile(existing))).toHaveLength(1)
  })

  test.each([
    ['and a prefix cache', { prefixCache: { memory: '512Mi' } }],
    ['alone', {}],
  ])('is accepted with the very memory that its refusal asks for weights %s', (_what, more) => {
    const withMemory = (memory: string) => model({ memory, ...more })
    const asked = /set memory: (\d+)Mi/.exec(refusal(withMemory('600Mi')).message)?.[1]
    expect(resolveModels(parseStackFile(withMemory(`${asked}Mi`)))).toHaveLength(1)
    expect(refusal(withMemory(`${Number(asked) - 1}Mi`)).message).toContain(`${asked}Mi`)
  })

  type Row = [what: string, raw: unknown, code: ErrorCode, path: string, message: RegExp]
  const rows: Row[] = [
    [
      'an unknown key',
      { ...minimal, modles: 1 },
      'STACK_FILE_INVALID',
      'modles',
      /no such key, got 1/,
    ],
    [
      'an unknown nested key',
      model({ slot: 2 }),
      'STACK_FILE_INVALID',
      'models[0].slot',
      /no such key/,
    ],
    [
      'a wrong type',
      model({ slots: 'four' }),
      'STACK_FILE_INVALID',
      'models[0].slots',
      /expected number, got "four"/,
    ],
    [
      'a limit of the first token below what any machine reaches',
      model({ firstTokenMs: 99 }),
      'STACK_FILE_INVALID',
      'models[0].firstTokenMs',
      />= 100.*got 99/,
    ],
    [
      'no pause at all between tokens',
      model({ interTokenMs: 0 }),
      'STACK_FILE_INVALID',
      'models[0].interTokenMs',
      />= 10.*got 0/,
    ],
    [
      'a priority that is none',
      { ...minimal, keys: [{ name: 'a', sha256: hash, priority: 'urgent' }] },
      'STACK_FILE_INVALID',
      'keys[0].priority',
      /"high".*"normal".*"low"/,
    ],
    ['no model', { ...minimal, models: [] }, 'STACK_FILE_INVALID', 'models', /array >= 1/],
    [
      'an unknown model',
      model({ id: 'gpt-9' }),
      'MODEL_UNKNOWN',
      'models[0].id',
      /one of smollm2-135m-instruct, gemma-3-270m, .*, got "gpt-9"/,
    ],
    [
      'an unknown quantization',
      model({ quantization: 'Q2_K' }),
      'MODEL_UNKNOWN',
      'models[0].quantization',
      /one of Q4_1, got Q2_K/,
    ],
    [
      'a licence not accepted',
      model({ id: 'gemma-3-270m' }),
      'LICENCE_NOT_ACCEPTED',
      'acceptedLicences',
      /add "gemma" to acceptedLicences/,
    ],
    [
      'negative replicas',
      model({ replicas: -1 }),
      'STACK_FILE_INVALID',
      'models[0].replicas',
      />= 0.*got -1/,
    ],
    [
      'no replicas',
      model({ replicas: 0 }),
      'STACK_FILE_INVALID',
      'models[0].replicas',
      /got 0\. Fix: set replicas: \{ min: 0, max: 1 \}/,
    ],
    [
      'least replicas above the most',
      model({ replicas: { min: 4, max: 2 } }),
      'STACK_FILE_INVALID',
      'models[0].replicas',
      /set replicas: \{ min: 2, max: 4 \}/,
    ],
    [
      'a part of a replica',
      model({ replicas: { min: 0.5, max: 2 } }),
      'STACK_FILE_INVALID',
      'models[0].replicas',
      /int/,
    ],
    [
      'negative bounds',
      model({ replicas: { min: -1, max: 2 } }),
      'STACK_FILE_INVALID',
      'models[0].replicas.min',
      />= 0/,
    ],
    [
      'a scaler that there is not',
      { ...minimal, scaling: { by: 'hpa' } },
      'STACK_FILE_INVALID',
      'scaling.by',
      /"gateway".*"keda"/,
    ],
    [
      "a context larger than the model's",
      model({ contextSize: 8193 }),
      'STACK_FILE_INVALID',
      'models[0].contextSize',
      /<= 8192/,
    ],
    [
      'two models of one id',
      { ...minimal, models: [...minimal.models, ...minimal.models] },
      'STACK_FILE_INVALID',
      'models[1].id',
      /each id once/,
    ],
    [
      'an Ingress without TLS',
      { ...existing, expose: { kind: 'ingress', host: 'ai.example' } },
      'STACK_FILE_INVALID',
      'expose.tlsSecret',
      /only TLS is served/,
    ],
    [
      'a load balancer without TLS',
      { ...existing, expose: { kind: 'loadBalancer' } },
      'STACK_FILE_INVALID',
      'expose.tlsSecret',
      /only TLS is served/,
    ],
    [
      'an exposed local cluster',
      { ...minimal, expose: { kind: 'ingress', host: 'a.example', tlsSecret: 't' } },
      'STACK_FILE_INVALID',
      'expose.kind',
      /remove expose/,
    ],
    [
      'an existing cluster without context',
      { ...existing, cluster: { kind: 'existing' } },
      'STACK_FILE_INVALID',
      'cluster.context',
      /kubectl config get-contexts/,
    ],
    [
      'an existing cluster without image',
      { ...existing, image: undefined },
      'STACK_FILE_INVALID',
      'image',
      /serantau image push/,
    ],
    [
      'an image by tag',
      { ...existing, image: 'registry.example/serantau:latest' },
      'STACK_FILE_INVALID',
      'image',
      /by digest/,
    ],
    [
      'an existing cluster without weights',
      { ...existing, models: minimal.models },
      'STACK_FILE_INVALID',
      'models[0].weights',
      /from: url/,
    ],
    [
      'weights over plain http',
      {
        ...existing,
        models: [
          {
            id: 'smollm2-135m-instruct',
            weights: { from: 'url', url: 'http://files.example/m.gguf' },
          },
        ],
      },
      'STACK_FILE_INVALID',
      'models[0].weights.url',
      /got "http:/,
    ],
    [
      'weights outside the claim',
      {
        ...existing,
        models: [
          { id: 'smollm2-135m-instruct', weights: { from: 'pvc', claim: 'c', path: '../x.gguf' } },
        ],
      },
      'STACK_FILE_INVALID',
      'models[0].weights.path',
      /relative path/,
    ],
    [
      'one key twice',
      {
        ...minimal,
        keys: [
          { name: 'a', sha256: hash },
          { name: 'b', sha256: hash },
        ],
      },
      'STACK_FILE_INVALID',
      'keys',
      /each hash once/,
    ],
    [
      'a system prompt outside the project',
      model({ systemPrompts: ['../secret.txt'] }),
      'STACK_FILE_INVALID',
      'models[0].systemPrompts[0]',
      /relative path/,
    ],
    [
      'more system prompts than are kept',
      model({ systemPrompts: Array.from({ length: 17 }, (_, at) => `${at}.txt`) }),
      'STACK_FILE_INVALID',
      'models[0].systemPrompts',
      /<= 16/,
    ],
    [
      'states on a volume in the embedded cluster',
      model({ state: { size: '1Gi' } }),
      'STACK_FILE_INVALID',
      'models[0].state',
      /embedded cluster makes no volumes/,
    ],
    [
      'memory for prefixes in no unit',
      model({ prefixCache: { memory: '256' } }),
      'STACK_FILE_INVALID',
      'models[0].prefixCache.memory',
      /got "256"/,
    ],
    [
      'more memory for prefixes than the pod has beside weights and server',
      model({ memory: '1Gi', prefixCache: { memory: '1Gi' } }),
      'STACK_FILE_INVALID',
      'models[0].memory',
      /set memory: \d+Mi or more/,
    ],
    [
      'a country that is no code',
      { ...minimal, jurisdiction: { country: 'Malaysia' } },
      'STACK_FILE_INVALID',
      'jurisdiction.country',
      /ISO 3166-1/,
    ],
    [
      'an unknown kind of cluster',
      { ...minimal, cluster: { kind: 'cloud' } },
      'STACK_FILE_INVALID',
      'cluster.kind',
      /one of "local", "existing"/,
    ],
  ]
  test.each(rows)('with %s is refused by path and fix', (_what, raw, code, path, message) => {
    const error = refusal(raw)
    expect(error.code).toBe(code)
    expect(error.problems.map((problem) => problem.path)).toContain(`serantau:${path}`)
    expect(error.message).toMatch(message)
    expect(error.exitCode).toBe(2)
  })

  test('names every mistake at once', () => {
    const error = refusal({ models: [{ id: 'smollm2-135m-instruct', slots: 0 }], typo: true })
    expect(error.problems.map((problem) => problem.path).sort()).toEqual([
      'serantau:jurisdiction',
      'serantau:models[0].slots',
      'serantau:typo',
    ])
  })

  test('never echoes a key that was typed where its hash belongs', () => {
    const error = refusal({ ...minimal, keys: [{ name: 'portal', sha256: 'sk-serantau-canary' }] })
    expect(error.message).not.toContain('canary')
    expect(error.message).toContain('a string of 18 characters')
  })
})
