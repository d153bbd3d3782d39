import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import type { UpResult } from '../../infra/up.ts'
import { processesOf } from '../helpers/machine.ts'
import { TestProject, type CliResult } from '../helpers/project.ts'

const CLUSTER = 'bench-up'
const REPEATS = 3
const STACK = `config:
  serantau:jurisdiction: { country: MY, regions: [] }
  serantau:cluster: { kind: local, name: ${CLUSTER} }
  serantau:models:
    - id: smollm2-135m-instruct
`

/** What each group of processes is called in the table. */
const GROUPS: readonly (readonly [string, RegExp])[] = [
  ['etcd', /(^|\/)etcd( |$)/],
  ['kube-apiserver', /kube-apiserver/],
  ['kube-controller-manager', /kube-controller-manager/],
  ['kube-scheduler', /kube-scheduler/],
  ['kubelet', /(^|\/)kubelet( |$)/],
  ['kube-proxy', /kube-proxy/],
  ['containerd', /containerd( |$)/],
  ['coredns', /coredns/],
  ['network-policy', /network-policy/],
  ['gateway and model server', /server\/main\.ts/],
  ['model engine', /engine-(process|child)/],
]

/**
 * Prints seconds of `up` (cluster down, tools cached) to the first token, of an unchanged `up`, of
 * `preview` and `down`, and the proportional memory (PSS, MiB) of what then idles. `--cold` builds
 * everything again in empty caches first and prints the time of each part.
 */
export async function benchUp(args: string[]): Promise<void> {
  const cold = args.includes('--cold')
  const project = await TestProject.create()
  const caches = cold ? await mkdtemp(join(tmpdir(), 'serantau-cold-')) : undefined
  const env = caches === undefined ? {} : coldCaches(caches)
  const rows: [string, string][] = []
  try {
    await writeFile(project.stackFile('local'), STACK)
    const first = await timed(() => project.run(['up', '-o', 'json'], env))
    const result = JSON.parse(succeed(first.value).stdout) as UpResult
    const token = await timed(() => firstToken(result))
    if (cold) {
      for (const [step, seconds] of stepsOf(first.value.stderr)) rows.push([`  ${step}`, seconds])
    }
    rows.push([
      cold ? 'cold start of everything -> first token' : 'cluster down -> first token',
      `${(first.seconds + token.seconds).toFixed(1)} s`,
    ])
    rows.push(['unchanged up', await median(() => project.run(['up'], env))])
    rows.push(['preview', await median(() => project.run(['preview'], env))])
    rows.push(...(await memory()))
    const down = await timed(() => project.run(['down', '--yes'], env))
    succeed(down.value)
    rows.push(['down', `${down.seconds.toFixed(1)} s`])
  } finally {
    await project.run(['down', '--yes'], env)
    await project.remove()
    if (caches !== undefined) await rm(caches, { recursive: true, force: true })
  }
  console.log(`Date: ${new Date().toISOString().slice(0, 10)}`)
  console.log(
    `Machine: ${cpus().length} x ${cpus()[0]?.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
  )
  console.log(`Command: npm run bench -- up${cold ? ' --cold' : ''}\n`)
  console.log('| what | figure |\n|---|---|')
  for (const [what, figure] of rows) console.log(`| ${what} | ${figure} |`)
}

const coldCaches = (folder: string): NodeJS.ProcessEnv => ({
  SERANTAU_CACHE: join(folder, 'serantau'),
  GOCACHE: join(folder, 'go-build'),
  GOMODCACHE: join(folder, 'go-mod'),
  GOFLAGS: '-modcacherw',
  PIP_NO_CACHE_DIR: '1',
})

function succeed(result: CliResult): CliResult {
  if (result.status !== 0) throw new Error(result.stderr)
  return result
}

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; seconds: number }> {
  const began = performance.now()
  const value = await work()
  return { value, seconds: (performance.now() - began) / 1000 }
}

async function median(work: () => Promise<CliResult>): Promise<string> {
  const seconds: number[] = []
  for (let run = 0; run < REPEATS; run++) {
    const result = await timed(work)
    succeed(result.value)
    seconds.push(result.seconds)
  }
  seconds.sort((a, b) => a - b)
  const middle = seconds[Math.floor(REPEATS / 2)] ?? Number.NaN
  return `${middle.toFixed(1)} s (${seconds.map((value) => value.toFixed(1)).join(', ')})`
}

async function firstToken(result: UpResult): Promise<void> {
  const apiKey = (await readFile(result.keyFile ?? '', 'utf8')).trim()
  const client = new OpenAI({ baseURL: result.outputs.endpoint, apiKey })
  const stream = await client.chat.completions.create({
    model: result.outputs.models[0]?.id ?? '',
    stream: true,
    max_tokens: 4,
    messages: [{ role: 'user', content: 'Hello' }],
  })
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
}

/** `step done in 12.3 s`, as the CLI prints it. */
function stepsOf(stderr: string): [string, string][] {
  return [...stderr.matchAll(/\] (.+?) done in ([\d.]+ s)/g)].map((match) => [
    match[1] ?? '',
    match[2] ?? '',
  ])
}

async function memory(): Promise<[string, string][]> {
  const rows: [string, string][] = []
  for (const [name, pattern] of GROUPS) {
    const pids = await processesOf(CLUSTER, pattern)
    if (pids.length === 0) continue
    const sizes = await Promise.all(pids.map(pss))
    const total = sizes.reduce((sum, size) => sum + size, 0)
    rows.push([`memory, idle: ${name}`, `${(total / 1024).toFixed(0)} MiB`])
  }
  return rows
}

/** Proportional set size in KiB: shared pages count once over all processes. */
async function pss(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
}
