import { copyFile, link, mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ConcurrentUpdateError, type Stack } from '@pulumi/pulumi/automation/index.js'
import { resolveModels, type ResolvedModel, type StackFile } from '../catalog/index.ts'
import { ensureWeights } from '../weights/fetch.ts'
import { imageNote } from './clusters/local.ts'
import { deployFailed } from './deploy-error.ts'
import { EngineEvents, type Step } from './engine-events.ts'
import { createKey, keyPath } from './first-key.ts'
import { buildImage } from './local/image.ts'
import { importImage, startCluster, weightsFolder } from './local/cluster.ts'
import { ensureSystemPackages } from './local/system-packages.ts'
import { withLock } from './local/lock.ts'
import { stateFolder, weightsStore } from './local/paths.ts'
import { assignModels } from './nodes/assign.ts'
import type { Outputs } from './outputs.ts'
import { asStep, type Report } from './progress.ts'
import { checkSystemPrompts } from './serving/system-prompts.ts'
import { addKey, createStackFileIfMissing, loadStackFile, stackFilePath } from './stack-file.ts'
import { openStack } from './workspace.ts'

/** How long a second `up` of the stack waits for the first. */
const LOCK_WAIT_MS = 2000

export interface UpArgs {
  project: string
  stackName: string
  /** Ids of models whose pods are only played, on simulated nodes: no weights are placed for them. */
  played?: ReadonlySet<string>
}

export interface UpResult {
  outputs: Outputs
  /** File of the API key, when it was made on this machine. */
  keyFile: string | undefined
  changes: Record<string, number>
  steps: Step[]
}

/** From a stack file, or none, to a service that answers. */
export async function up(args: UpArgs, report: Report): Promise<UpResult> {
  const lock = join(stateFolder(), 'locks', `${args.stackName}.lock`)
  return withLock(lock, `stack ${args.stackName}`, LOCK_WAIT_MS, () => upLocked(args, report))
}

async function upLocked(args: UpArgs, report: Report): Promise<UpResult> {
  const { project, stackName } = args
  if (await createStackFileIfMissing(project, stackName)) {
    const path = stackFilePath(project, stackName)
    report({ step: 'stack file', state: 'info', detail: `wrote ${path} for the embedded cluster` })
  }
  let stackFile = await loadStackFile(project, stackName)
  const models = resolveModels(stackFile)
  checkSystemPrompts(project, stackFile, models)
  assignModels(models, stackFile.jurisdiction)
  if (stackFile.keys.length === 0) {
    const { key } = await createKey(stackName, 'default')
    await addKey(project, stackName, key)
    stackFile = await loadStackFile(project, stackName)
  }
  if (stackFile.cluster.kind === 'local') {
    const real = models.filter(({ base }) => args.played?.has(base.id) !== true)
    await prepareLocalCluster(stackFile.cluster.name, real, report)
  }
  const stack = await openStack({ project, stackName, stackFile }, report)
  return deployStack(stack, stackFile, stackName, report)
}

async function deployStack(
  stack: Stack,
  stackFile: StackFile,
  stackName: string,
  report: Report,
): Promise<UpResult> {
  const events = new EngineEvents(report)
  const result = await asStep(report, 'deploy', 'the program infra/index.ts, by Pulumi', () =>
    unlocked(stack, () => stack.up({ onEvent: events.onEvent, color: 'never' })).catch(
      (error: Error) => {
        throw deployFailed(events.errors, error)
      },
    ),
  )
  for (const warning of events.warnings) report({ step: 'warning', state: 'info', detail: warning })
  const name = stackFile.keys[0]?.name ?? 'default'
  const keyFile = keyPath(stackName, name)
  const known = await stat(keyFile).catch(() => undefined)
  return {
    outputs: Object.fromEntries(
      Object.entries(result.outputs).map(([key, output]) => [key, output.value as unknown]),
    ) as unknown as Outputs,
    keyFile: known && keyFile,
    changes: result.summary.resourceChanges ?? {},
    steps: events.steps,
  }
}

/**
 * A killed command leaves Pulumi's lock behind. We hold the lock of this stack, whose owner is known
 * to live, so for state on this machine a lock of Pulumi is nobody's any more.
 */
async function unlocked<T>(stack: Stack, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { url } = await stack.workspace.whoAmI()
    if (!(error instanceof ConcurrentUpdateError) || url?.startsWith('file://') !== true) {
      throw error
    }
    await stack.cancel()
    return work()
  }
}

/** Everything that the program expects to find: a running cluster, its image, verified weights. */
async function prepareLocalCluster(
  name: string,
  models: readonly ResolvedModel[],
  report: Report,
): Promise<void> {
  await ensureSystemPackages(report)
  const [cluster, image] = await Promise.all([
    startCluster(name, report),
    asStep(report, 'image', 'the server, from this checkout', () =>
      buildImage(report, { engine: 'native' }),
    ),
    ...models.map((model) => placeWeights(name, model, report)),
  ])
  const reference = `${image.name}@${image.digest}`
  await asStep(report, 'import image', reference, () =>
    importImage(cluster, image.archive, image.name),
  )
  await writeFile(imageNote(name), `${reference}\n`)
}

/** A verified file of the store appears in the node's folder under its digest, whole or not at all. */
async function placeWeights(cluster: string, model: ResolvedModel, report: Report): Promise<void> {
  const { base, file } = model
  const step = `weights of ${base.id}`
  const source = await asStep(report, step, `${file.quantization}, verified by SHA-256`, () =>
    ensureWeights(file, weightsStore(), (detail) => report({ step, state: 'info', detail })),
  )
  const target = join(weightsFolder(cluster), 'sha256', `${file.sha256}.gguf`)
  const there = await stat(target).catch(() => undefined)
  if (there?.size === file.bytes) return
  await mkdir(dirname(target), { recursive: true })
  const temporary = `${target}.${process.pid}`
  await link(source, temporary).catch(() => copyFile(source, temporary))
  await rename(temporary, target)
}
