import { setTimeout as sleep } from 'node:timers/promises'
import type { Kubectl } from './kubectl.ts'
import type { Outcome } from './outcome.ts'

export interface ServingPod {
  kubectl: Kubectl
  namespace: string
  /** Deployment of a model whose pods are real. */
  deployment: string
  model: string
  /** Base URL of the API, with /v1. */
  endpoint: string
  key: string
}

const TOKENS = 120
const PATIENCE_SECONDS = 120

interface Listed {
  metadata: { name: string; deletionTimestamp?: string }
  status: { conditions?: { type: string; status: string }[] }
}

/** A real pod that answers is evicted, as a drain does it: its stream ends whole, and another pod serves. */
export async function evictServing(serving: ServingPod): Promise<Outcome> {
  const expectation = `a pod of ${serving.model} that answers is evicted: its stream ends whole and another pod takes over`
  const began = performance.now()
  const outcome = (happened: string, ok: boolean): Outcome => ({
    ...{ expectation, happened, ok },
    seconds: Math.round((performance.now() - began) / 100) / 10,
  })
  const [before] = await readyPods(serving)
  if (before === undefined) return outcome('no pod was ready', false)
  const stream = await openStream(serving)
  await evict(serving, before)
  const { words, finish } = await stream.rest()
  const whole = finish === 'length' || finish === 'stop'
  if (!whole) return outcome(`the stream was cut after ${words} pieces`, false)
  for (let tries = 0; tries < PATIENCE_SECONDS; tries++) {
    const [after] = await readyPods(serving)
    if (after !== undefined && after !== before) {
      return outcome(`the stream came whole in ${words} pieces; ${after} serves`, true)
    }
    await sleep(1000)
  }
  return outcome('the stream came whole; no other pod became ready', false)
}

async function readyPods({ kubectl, namespace, deployment }: ServingPod): Promise<string[]> {
  const selector = `app.kubernetes.io/instance=${deployment}`
  const pods = await kubectl.list<Listed>('pods', '-n', namespace, '-l', selector)
  return pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .filter(({ status }) =>
      status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    )
    .map(({ metadata }) => metadata.name)
}

async function evict({ kubectl, namespace }: ServingPod, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } }
  await kubectl.create(path, eviction)
}

/** Resolves once the first piece is there. */
async function openStream({ endpoint, key, model }: ServingPod) {
  const response = await fetch(`${endpoint}/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ model, stream: true, max_tokens: TOKENS, temperature: 0 },
      prompt: '1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,',
    }),
  })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (!response.ok || reader === undefined) throw new Error(`HTTP ${response.status}`)
  let text = (await reader.read()).value ?? ''
  return {
    rest: async () => {
      for (let read = await reader.read(); !read.done; read = await reader.read())
        text += read.value
      const finish = /"finish_reason":"([a-z_]+)"/.exec(text)?.[1]
      const done = text.trimEnd().endsWith('data: [DONE]')
      return { words: text.match(/^data: \{/gm)?.length ?? 0, finish: done ? finish : undefined }
    },
  }
}
