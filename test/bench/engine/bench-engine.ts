import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BASE_MODELS } from '../../../catalog/models/index.ts'
import { createProgress } from '../../../cli/progress.ts'
import { cacheFolder } from '../../../infra/local/paths.ts'
import { engineThreads } from '../../../server/engine/cpu-quota.ts'
import { weightsOf } from '../../helpers/real-role.ts'
import { buildApp } from './app.ts'
import { type AnyArm, armsOf, isPeer, isTuned } from './arm-choice.ts'
import { type Bench, setupOf } from './bench.ts'
import { BestFlags } from './best-flags.ts'
import { type Peer, ensurePeer } from './build-peer.ts'
import { capacityOf } from './capacity.ts'
import { ENGINE_ALONE } from './engine-alone.ts'
import { judge } from './goals.ts'
import { measureBurstLimit, measureLimit } from './limit.ts'
import { SPINNING, llamaArgs } from './llama-flags.ts'
import { thisMachine } from './machine.ts'
import { MODELS, type Options, readOptions } from './options.ts'
import { withOurKernels } from './our-kernels.ts'
import { loadPrompts } from './prompts.ts'
import { goalTable, workloadTable } from './report.ts'
import { type ArmResult, addRun, loadResults, saveResults } from './results.ts'
import { say } from './recorded.ts'
import { sessionOf } from './session.ts'
import { labelOf, refuseChanges, sourceState } from './source-state.ts'
import { WORKLOADS } from './workloads/index.ts'
import type { Cases, Workload } from './workloads/workload.ts'
import { writePage } from './write-page.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const FLAGS = join(ROOT, 'docs', 'reference', 'bench-engine-flags.json')
const SLOTS = 16
const SEARCHED_STREAMS = [8, 16]

/** Measures our engine against its peers; prints tables, with `--write` the page and its plot. */
export async function benchEngine(args: string[]): Promise<void> {
  const options = readOptions(args)
  const source = await sourceState(ROOT)
  if (options.write) refuseChanges(source)
  const bench = await prepare(options, {
    ...{ at: new Date().toISOString(), commit: labelOf(source) },
    command: ['npm run bench -- engine', ...args].join(' '),
  })
  const { results } = bench
  for (const name of options.workloads) {
    await measureWorkload(bench, name, WORKLOADS[name] as Workload)
    console.log(`\n${name}: ${WORKLOADS[name]?.title}\n\n${workloadTable(results, name)}`)
  }
  const measured = judge(results).filter(({ workload }) => options.workloads.includes(workload))
  console.log(`\n${goalTable(measured)}`)
  if (!options.write) return
  await writePage(bench)
  await bench.best.publish()
}

async function prepare(options: Options, stamp: Bench['stamp']): Promise<Bench> {
  const modelId = MODELS[options.model]
  const peer = await peerFor(options)
  const file = await weightsOf(modelId)
  const folder = join(cacheFolder(), 'bench', 'engine')
  const kind = options.quick ? 'quick' : 'full'
  const machine = await thisMachine()
  const store = join(folder, `${modelId}-${kind}-${machine.key}.json`)
  const build = peer?.key ?? 'none'
  const best = new BestFlags(
    {
      file: join(folder, `${modelId}-flags-${machine.key}-${build}.json`),
      published: { file: FLAGS, name: `${modelId}, ${machine.name}, llama-server ${build}` },
    },
    SLOTS,
  )
  await best.load()
  const states = mkdtempSync(join(tmpdir(), 'serantau-bench-states-'))
  process.on('exit', () => rmSync(states, { recursive: true, force: true }))
  const program = await buildApp(join(folder, 'app'), 'compiled')
  const prebuiltProgram = await buildApp(join(folder, 'app-prebuilt'), 'prebuilt')
  return {
    ...{ options, best, store, states, machine, stamp },
    setup: {
      modelId,
      file,
      slots: SLOTS,
      threads: engineThreads(),
      peer,
      program,
      prebuiltProgram,
    },
    prompts: await loadPrompts(folder, file, BASE_MODELS[modelId]?.files[0]?.sha256 ?? ''),
    results: await loadResults(store),
  }
}

/** Its build takes minutes: only for those who ask for one of its arms. */
async function peerFor({ arms, workloads }: Options): Promise<Peer | undefined> {
  const needed = workloads.some(
    (name) => name === 'W10' || armsOf(WORKLOADS[name] as Workload, arms).some(isPeer),
  )
  return needed ? ensurePeer(createProgress(process.stderr, process.env)) : undefined
}

/** Arm after arm, then all of them again: what changes on the machine meanwhile meets them alike. */
async function measureWorkload(bench: Bench, name: string, workload: Workload): Promise<void> {
  const { options, best, results, setup } = bench
  const arms = armsOf(workload, options.arms)
  const wanted = options.grid || (!options.quick && !best.knows(name))
  if (wanted && arms.some(isTuned)) await searchBest(bench, name, workload)
  const capacity = name === 'W10' ? await capacityOf(bench) : Number.NaN
  const flags = best.of(name)
  const spinning = Object.entries(SPINNING).map(([key, value]) => `${key}=${value}`)
  const shown = [
    ...(flags.spin ? spinning : []),
    ...llamaArgs(flags, workload.context, setup.slots),
  ]
  const fresh: Record<string, ArmResult> = {}
  for (let turn = 0; turn < options.runs; turn++) {
    for (const arm of arms) {
      say(`${name} ${arm}, run ${turn + 1} of ${options.runs}`)
      const result = (fresh[arm] ??= { ...bench.stamp, cases: {} })
      if (isTuned(arm)) result.flags = shown.join(' ')
      addRun(result, await runArm(bench, arm, name, turn, capacity))
    }
    // Whoever ends the command early keeps the whole rounds.
    results[name] = { ...results[name], ...fresh }
    await saveResults(bench.store, results)
  }
}

async function runArm(
  bench: Bench,
  arm: AnyArm,
  name: string,
  turn: number,
  capacity: number,
): Promise<Cases> {
  const { setup, prompts, options, best } = bench
  if (arm === 'batched-bench' || arm === 'batched-bench-ours') {
    const limit = name === 'W5' ? measureBurstLimit : measureLimit
    return limit(await limitPeer(bench, arm), setup.file, setup.threads)
  }
  if (arm === 'engine') {
    const { model } = options
    return ENGINE_ALONE[name]!({ model, prompts, seed: turn, threads: setup.threads })
  }
  const full = setupOf(bench, name, arm, best.of(name))
  const { quick, soakRequests } = options
  const session = sessionOf(arm, full, { prompts, quick, soakRequests, seed: turn, capacity })
  return (WORKLOADS[name] as Workload).run(session)
}

async function limitPeer({ setup, states }: Bench, arm: AnyArm): Promise<Peer> {
  const peer = setup.peer as Peer
  if (arm === 'batched-bench') return peer
  return withOurKernels(peer, mkdtempSync(join(states, 'kernels-')))
}

/** Full turns, but few cases: that holes between slots cost something shows only after a while. */
async function searchBest(bench: Bench, name: string, workload: Workload): Promise<void> {
  const { prompts, best } = bench
  const capacity = name === 'W10' ? await capacityOf(bench) : Number.NaN
  const size = { quick: false, streams: SEARCHED_STREAMS, soakRequests: 128 }
  const given = { prompts, ...size, seed: 1000, capacity }
  say(`${name}: searching llama-server's best flags`)
  await best.search(
    name,
    workload,
    (flags) => {
      const full = setupOf(bench, name, 'llama-server-best', flags)
      return workload.run(sessionOf('llama-server-best', full, given))
    },
    say,
  )
}
