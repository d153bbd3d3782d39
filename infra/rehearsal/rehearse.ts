import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { KitError } from '../../catalog/errors.ts'
import { down } from '../down.ts'
import { startCluster } from '../local/cluster.ts'
import { stateFolder } from '../local/paths.ts'
import { modelRelease } from '../names.ts'
import { JURISDICTION_LABEL } from '../nodes/placement.ts'
import type { Prices } from '../nodes/plan.ts'
import type { Report } from '../progress.ts'
import { readStackFileAt, stackFilePath } from '../stack-file.ts'
import { up, type UpResult } from '../up.ts'
import { startFleet, type Fleet } from './fleet.ts'
import type { Outcome, Stage } from './outcome.ts'
import { partsOf, play } from './play.ts'
import { factsOfPool, insideOnly, type PoolFacts } from './pool-facts.ts'
import { rehearsedStack, type RehearsedStack } from './rehearsed-stack.ts'
import { evictServing } from './serving-pod.ts'
import { soldZones } from './simulated-cloud.ts'

/** Of the rehearsal's stack, cluster and report. */
const NAME = 'rehearsal'
export const MINISTRY = join(import.meta.dirname, 'ministry.yaml')

export interface RehearseArgs {
  /** Folder of Pulumi.yaml. */
  project: string
  /** Stack file that is rehearsed. */
  file: string
  prices: Prices
  /** true: a lost zone, down to 0 and up again alone. */
  small: boolean
  /** true: the cluster is left running for a look. */
  keep: boolean
}

export interface Rehearsal {
  /** From the start of the cluster until the stack was deployed and every pod was bound. */
  deploySeconds: number
  pools: PoolFacts[]
  outcomes: Outcome[]
  /** What was simulated, and what differs from the stack file. */
  simulated: readonly string[]
  /** Path of the SVG. */
  timeline: string
}

/** Deploys a stack onto the embedded cluster and a simulated cloud, and plays what can happen to it. */
export async function rehearse(args: RehearseArgs, report: Report): Promise<Rehearsal> {
  const given = await readStackFileAt(args.file)
  const stack = rehearsedStack(given)
  const path = stackFilePath(args.project, NAME)
  const config = Object.entries(stack.config).map(([key, value]) => [`serantau:${key}`, value])
  await writeNew(path, stringify({ config: Object.fromEntries(config) as unknown }))
  try {
    return await playStack(args, stack, given.jurisdiction, report)
  } finally {
    if (!args.keep) {
      await down({ project: args.project, stackName: NAME, purge: true }, report)
      await rm(path, { force: true })
    }
  }
}

/** A rehearsal that was kept or killed has left its file: its cluster may still run. */
async function writeNew(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    throw new KitError('LOCKED', {
      path,
      expected: 'no other rehearsal',
      got: 'the stack file of one that was kept, was killed or runs',
      fix: `run \`npm run down -- --stack ${NAME} --yes\`, then remove the file`,
    })
  })
}

async function playStack(
  args: RehearseArgs,
  stack: RehearsedStack,
  jurisdiction: Parameters<typeof soldZones>[1],
  report: Report,
): Promise<Rehearsal> {
  const { simulated, played, changes } = stack
  const began = performance.now()
  const cluster = await startCluster(NAME, report)
  const fleet = await startFleet(
    { cluster, pools: simulated, jurisdiction, prices: args.prices },
    report,
  )
  try {
    await labelMachine(fleet, { ...stack.realLabels, [JURISDICTION_LABEL]: jurisdiction.country })
    const ids = new Set(played.map(({ id }) => id))
    const result = await up({ project: args.project, stackName: NAME, played: ids }, report)
    const deploySeconds = Math.round((performance.now() - began) / 100) / 10
    const pools = await Promise.all(simulated.map(({ name }) => factsOfPool(fleet.kubectl, name)))
    const zonesOfPool = (name: string) => {
      const pool = simulated.find((other) => other.name === name)
      return pool === undefined ? [] : soldZones(pool, jurisdiction)
    }
    const outcomes = [
      insideOnly(pools, zonesOfPool),
      ...(await evictions(fleet, result, ids, stack.namespace)),
    ]
    const scenarios = await playModel(args, fleet, stack, zonesOfPool, report)
    outcomes.push(...scenarios.outcomes)
    const timeline = await saveTimeline(scenarios.timeline)
    return { deploySeconds, pools, outcomes, simulated: changes, timeline }
  } finally {
    if (!args.keep) await fleet.stop()
  }
}

/** It is the node of the pools that are there, and the gateway's. */
async function labelMachine({ kubectl }: Fleet, labels: Record<string, string>): Promise<void> {
  const given = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  await kubectl('label', 'node', '--all', '--overwrite', ...given)
}

/** One real model is enough to show that its streams end whole. */
async function evictions(
  { kubectl }: Fleet,
  { outputs, keyFile }: UpResult,
  played: ReadonlySet<string>,
  namespace: string,
): Promise<Outcome[]> {
  const real = outputs.models.find(({ id }) => !played.has(id))
  if (real === undefined || keyFile === undefined) return []
  const key = (await readFile(keyFile, 'utf8')).trim()
  const deployment = modelRelease(real.id)
  const { endpoint } = outputs
  return [await evictServing({ kubectl, namespace, deployment, model: real.id, endpoint, key })]
}

const SMALL = /^(0 to|to 0)|is lost$/

async function playModel(
  { small }: RehearseArgs,
  fleet: Fleet,
  { played: [model], namespace }: RehearsedStack,
  zonesOfPool: (name: string) => readonly string[],
  report: Report,
) {
  if (model === undefined) return { outcomes: [], timeline: '' }
  const deployment = modelRelease(model.id)
  const stage: Stage = {
    fleet,
    zones: zonesOfPool(model.pool.name),
    workload: {
      ...{ namespace, deployment },
      selector: `app.kubernetes.io/instance=${deployment}`,
    },
  }
  const parts = partsOf(stage, model)
  return play(stage, small ? parts.filter(({ title }) => SMALL.test(title)) : parts, report)
}

async function saveTimeline(svg: string): Promise<string> {
  const folder = join(stateFolder(), NAME)
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'timeline.svg')
  await writeFile(path, svg)
  return path
}
