import { execFile } from 'node:child_process'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import OpenAI, { APIError } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureTool } from '../../infra/local/toolchain.ts'
import type { PreviewResult } from '../../infra/preview.ts'
import type { Status } from '../../infra/status.ts'
import type { UpResult } from '../../infra/up.ts'
import { LONG_STREAMS, rollUnderLoad } from '../campaign/roll-under-load.ts'
import { kubectl as runKubectl } from '../helpers/kubectl.ts'
import { listMachine, processesOf } from '../helpers/machine.ts'
import { TestProject } from '../helpers/project.ts'
import { tellPodsOfFailed } from '../helpers/tell-pods.ts'

const CLUSTER = 'main-job'
const SMOL = 'smollm2-135m-instruct'
const GEMMA = 'gemma-3-270m'
const STACK = `config:
  serantau:jurisdiction: { country: MY, regions: [] }
  serantau:cluster: { kind: local, name: ${CLUSTER} }
  serantau:models:
    - id: ${SMOL}
`
const run = promisify(execFile)

describe('the main job, from a fresh state folder to nothing left', () => {
  let project: TestProject
  let before: Awaited<ReturnType<typeof listMachine>>
  let client: OpenAI
  let result: UpResult
  let key: string
  let kubectl: (...args: string[]) => Promise<string>

  const stack = () => project.stackFile('local')
  const ask = (model: string, maxTokens = 16) =>
    client.chat.completions.create({
      model,
      max_tokens: maxTokens,
      temperature: 0,
      messages: [{ role: 'user', content: 'Name the capital of France.' }],
    })
  const until = async (what: string, check: () => Promise<boolean>, seconds = 120) => {
    for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
      if (await check().catch(() => false)) return
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    throw new Error(`waited ${seconds} s in vain for ${what}`)
  }

  beforeAll(async () => {
    project = await TestProject.create()
    before = await listMachine()
    await writeFile(stack(), STACK)
  })
  afterAll(async () => {
    await project.run(['down', '--yes'])
    await project.remove()
  })
  tellPodsOfFailed(() => join(project.home, 'clusters', CLUSTER, 'kubeconfig'))

  test('`preview` before the first `up` renders everything and starts nothing', async () => {
    const planned = await project.json<PreviewResult>(['preview'])
    expect(planned.contacted).toBe(false)
    expect(planned.steps.every(({ op }) => op === 'create')).toBe(true)
    const kinds = planned.steps.map(({ type }) => type.split(':').at(-1))
    expect(kinds).toEqual(expect.arrayContaining(['Namespace', 'Secret', 'Deployment', 'Service']))
    expect(await listMachine()).toEqual(before)
  })

  test('`up` that is killed in the middle of the deployment leaves nothing in the way', async () => {
    const killed = project.start(['up'])
    let said = ''
    killed.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('create Deployment')) killed.kill('SIGKILL')
    })
    await new Promise((resolve) => killed.once('close', resolve))
    expect(said).toContain('create Deployment')
    // What a kill between two steps of Pulumi's writing left before such sidecars were left out.
    const state = join(project.home, 'pulumi', '.pulumi', 'stacks', 'serantau')
    expect(await readdir(state)).toEqual(expect.not.arrayContaining(['local.json.attrs']))
    await writeFile(join(state, 'local.json.attrs'), '')
  })

  test('`up` again goes on from there and deploys', async () => {
    result = await project.json<UpResult>(['up'])
    expect(result.outputs.models).toMatchObject([{ id: SMOL, licence: 'Apache-2.0' }])
    expect(result.outputs.jurisdiction).toEqual({ country: 'MY', regions: [], zones: [] })
    key = (await readFile(result.keyFile ?? '', 'utf8')).trim()
    client = new OpenAI({ baseURL: result.outputs.endpoint, apiKey: key, maxRetries: 0 })
    const kubeconfig = join(project.home, 'clusters', CLUSTER, 'kubeconfig')
    kubectl = (...args) => runKubectl('--kubeconfig', kubeconfig, '-n', 'serantau', ...args)
  })

  test('the pod serves with the engine that was compiled for this CPU, not with the prebuilt one', async () => {
    const logs = await kubectl('logs', `deployment/model-${SMOL}`, '--container', 'server')
    expect(logs).toMatch(/"event":"engine_ready".*"addon":"compiled for this CPU/)
  })

  test('the unmodified openai client gets a whole and a streamed answer', async () => {
    const whole = await ask(SMOL)
    expect(whole.choices[0]?.message.content).not.toBe('')
    expect(whole.usage?.completion_tokens).toBeGreaterThan(0)

    const stream = await client.chat.completions.create({
      model: SMOL,
      max_tokens: 16,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'Name the capital of France.' }],
    })
    let text = ''
    let usage: OpenAI.CompletionUsage | null | undefined
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }
    expect(text).toBe(whole.choices[0]?.message.content)
    // The second time the prompt is held already.
    const counted = (value: unknown) => ({ ...(value as object), prompt_tokens_details: undefined })
    expect(counted(usage)).toEqual(counted(whole.usage))
  })

  test('curl gets a stream that ends with [DONE]', async () => {
    const body = { model: SMOL, max_tokens: 4, stream: true, prompt: 'One, two,' }
    const { stdout } = await run('curl', [
      ...['-sN', `${result.outputs.endpoint}/completions`],
      ...['-H', `Authorization: Bearer ${key}`, '-H', 'Content-Type: application/json'],
      ...['-d', JSON.stringify(body)],
    ])
    expect(stdout.match(/^data: \{/gm)?.length).toBeGreaterThan(1)
    expect(stdout.trimEnd().endsWith('data: [DONE]')).toBe(true)
  })

  test('a wrong key is refused', async () => {
    const stranger = new OpenAI({
      baseURL: result.outputs.endpoint,
      apiKey: 'sk-wrong',
      maxRetries: 0,
    })
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401 })
  })

  test('`up` again changes nothing', async () => {
    const again = await project.json<UpResult>(['up'])
    expect(Object.keys(again.changes)).toEqual(['same'])
    expect(again.steps).toEqual([])
  })

  test('`up` from a machine without the key file makes no other key', async () => {
    const text = await readFile(stack(), 'utf8')
    const keys = join(project.home, 'keys')
    await rename(keys, `${keys}-elsewhere`)
    const second = await project.json<UpResult>(['up'])
    await rename(`${keys}-elsewhere`, keys)
    expect(second.keyFile).toBeUndefined()
    expect(second.steps).toEqual([])
    expect(await readFile(stack(), 'utf8')).toBe(text)
  })

  test('a few lines add a second base to the same endpoint', async () => {
    const text = await readFile(stack(), 'utf8')
    const added = text.replace(
      `    - id: ${SMOL}\n`,
      `    - id: ${SMOL}\n    - id: ${GEMMA}\n  serantau:acceptedLicences: [gemma]\n`,
    )
    expect(added).not.toBe(text)
    await writeFile(stack(), added)
    await project.json<UpResult>(['up'])
    // Connections that were kept open end with the old gateway pod, a few seconds after `up`: at once they are all asked.
    await until('both bases', async () => {
      const lists = await Promise.all(Array.from({ length: 8 }, () => client.models.list()))
      return lists.every(({ data }) => data.length === 2)
    })
    const served = await client.models.list()
    expect(served.data.map(({ id }) => id).sort()).toEqual([GEMMA, SMOL])
    const completion = await client.completions.create({
      model: GEMMA,
      prompt: 'Malaysia is',
      max_tokens: 4,
    })
    expect(completion.choices[0]?.text).not.toBe('')
    await expect(ask(GEMMA)).rejects.toMatchObject({ status: 400 })
    expect((await ask(SMOL, 4)).choices).toHaveLength(1)
  })

  test('changed replicas and limits show in `preview` alone, and applying them cuts no stream', async () => {
    const text = await readFile(stack(), 'utf8')
    await writeFile(
      stack(),
      text.replace(
        `    - id: ${SMOL}\n`,
        `    - id: ${SMOL}\n      replicas: 2\n      maxQueued: 9\n`,
      ),
    )
    const planned = await project.json<PreviewResult>(['preview'])
    expect(planned.contacted).toBe(true)
    expect(planned.steps.every(({ name }) => name.includes(SMOL))).toBe(true)
    expect(planned.steps.map(({ type }) => type.split(':').at(-1)).sort()).toEqual(
      expect.arrayContaining(['ConfigMap', 'Deployment']),
    )

    const count = async () => {
      const started = Date.now()
      const stream = await client.completions.create({
        model: SMOL,
        max_tokens: 200,
        temperature: 0,
        stream: true,
        stream_options: { include_usage: true },
        prompt: '1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,',
      })
      let finish: string | null | undefined
      let tokens = 0
      for await (const chunk of stream) {
        finish = chunk.choices[0]?.finish_reason ?? finish
        tokens = chunk.usage?.completion_tokens ?? tokens
      }
      return { finish, tokens, started, ended: Date.now() }
    }
    // However quick the engine is, somebody reads at every moment of the rollout.
    let rolledOut = Infinity
    const keepReading = async () => {
      const streams = []
      do streams.push(await count())
      while (Date.now() < rolledOut)
      return streams
    }
    const reading = Promise.all([keepReading(), keepReading(), keepReading()])
    const applied = await project.json<UpResult>(['up']).finally(() => (rolledOut = Date.now()))
    expect(applied.changes['update']).toBeGreaterThan(0)
    const streams = (await reading).flat()
    for (const { finish, tokens } of streams)
      expect({ finish, tokens }).toEqual({ finish: 'length', tokens: 200 })
    const through = streams.filter(({ started, ended }) => started < rolledOut && ended > rolledOut)
    expect(through.length).toBeGreaterThan(1)
    const deployment = JSON.parse(
      await kubectl('get', 'deployment', `model-${SMOL}`, '-o', 'json'),
    ) as { status: { readyReplicas: number } }
    expect(deployment.status.readyReplicas).toBe(2)
  })

  test('two rolling updates under sixty streams drop none, long ones neither', async () => {
    const { failures } = await rollUnderLoad({
      ...{ endpoint: result.outputs.endpoint, key, model: SMOL, kubectl },
      deployments: [`model-${SMOL}`, 'gateway'],
      ...{ updates: 2, streams: 60, maxTokens: 8, long: LONG_STREAMS, say: () => undefined },
    })
    expect(failures).toEqual([])
    // Every drain waits for long streams, of which each replica serves four at a time.
  }, 600_000)

  test('`status` shows every deployment ready', async () => {
    const status = await project.json<Status>(['status'])
    expect(status.deployments.map(({ ready, wanted }) => ready === wanted)).toEqual([
      true,
      true,
      true,
    ])
  })

  test('kill -9 of every engine gives a typed 503, then service again', async () => {
    const engines = await processesOf(CLUSTER, /engine-process/)
    expect(engines.length).toBeGreaterThan(0)
    for (const pid of engines) process.kill(pid, 'SIGKILL')
    const error = await ask(SMOL, 4).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({
      status: 503,
      error: { type: expect.any(String), code: expect.any(String) },
    })
    await until('service', async () => (await ask(SMOL, 2)).choices.length === 1)
  })

  test.each(['kubelet', 'etcd'])('after kill -9 of %s `up` heals', async (part) => {
    const pids = await processesOf(CLUSTER, new RegExp(`/${part}( |$)|^${part} `))
    expect(pids.length).toBeGreaterThan(0)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await project.json<UpResult>(['up'])
    await until('service', async () => (await ask(SMOL, 2)).choices.length === 1)
  })

  test('the API key appears in no log, state, export, ConfigMap, metric or error', async () => {
    const inPod = 'fetch("http://127.0.0.1:9090/metrics").then(r => r.text()).then(console.log)'
    const metricsOf = (name: string) =>
      kubectl('exec', `deployment/${name}`, '--', 'node', '-e', inPod)
    const places = {
      logs: await kubectl(
        ...['logs', '--all-containers', '--prefix', '--tail=-1'],
        ...['-l', 'app.kubernetes.io/part-of=serantau'],
      ),
      objects: await kubectl('get', 'configmaps,secrets,pods,deployments,events', '-o', 'yaml'),
      gatewayMetrics: await metricsOf('gateway'),
      modelMetrics: await metricsOf(`model-${SMOL}`),
      stackFile: await readFile(stack(), 'utf8'),
      export: await exportState(project),
      error: JSON.stringify(await ask('no-such-model').catch((error: APIError) => error.error)),
    }
    expect(places.export).toContain('kubernetes:core/v1:Secret')
    expect(places.logs).toContain('"route":"/v1/chat/completions"')
    expect(places.gatewayMetrics).toContain('serantau_')
    expect(places.modelMetrics).toContain('vllm:num_requests_running')
    for (const [place, text] of Object.entries(places)) {
      expect(text.includes(key), `the key is in ${place}`).toBe(false)
    }
    // State, exports, logs of every part, etcd's data and the node's disk: all of the state folder.
    const { stdout } = await run('grep', ['-rlF', '--', key, project.home])
    expect(stdout.trim().split('\n')).toEqual([result.keyFile])
  })

  test('`down` leaves no process, mount, link, iptables rule or cgroup', async () => {
    await project.succeed(['down', '--yes'])
    expect(await listMachine()).toEqual(before)
    expect(await processesOf(CLUSTER, /./)).toEqual([])
  })
})

/** What `pulumi stack export` prints to a person with the passphrase. */
async function exportState(project: TestProject): Promise<string> {
  const pulumi = await ensureTool('pulumi', () => undefined)
  const { stdout } = await run(pulumi, ['stack', 'export', '--stack', 'local'], {
    cwd: project.folder,
    maxBuffer: 2 ** 26,
    env: project.env({
      PULUMI_BACKEND_URL: `file://${join(project.home, 'pulumi')}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: join(project.home, 'passphrase'),
      PULUMI_SKIP_UPDATE_CHECK: 'true',
    }),
  })
  return stdout
}
