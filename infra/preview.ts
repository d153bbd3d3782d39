import { resolveModels } from '../catalog/index.ts'
import { deployFailed } from './deploy-error.ts'
import { EngineEvents, type Step } from './engine-events.ts'
import { describeCluster } from './local/cluster.ts'
import { assignModels } from './nodes/assign.ts'
import { asStep, type Report } from './progress.ts'
import { checkSystemPrompts } from './serving/system-prompts.ts'
import { loadStackFile } from './stack-file.ts'
import type { UpArgs } from './up.ts'
import { openStack } from './workspace.ts'

export interface PreviewResult {
  /** false: the embedded cluster is down, so objects were rendered and compared with the state only. */
  contacted: boolean
  changes: Record<string, number>
  steps: Step[]
}

/** What `up` would change. Starts nothing. */
export async function preview(args: UpArgs, report: Report): Promise<PreviewResult> {
  const stackFile = await loadStackFile(args.project, args.stackName)
  const models = resolveModels(stackFile)
  checkSystemPrompts(args.project, stackFile, models)
  assignModels(models, stackFile.jurisdiction)
  const { cluster } = stackFile
  const contacted =
    cluster.kind === 'existing' || (await describeCluster(cluster.name)).state === 'running'
  const stack = await openStack({ ...args, stackFile, renderOnly: !contacted }, report)
  const events = new EngineEvents(report)
  const result = await asStep(report, 'preview', 'nothing is changed', () =>
    stack.preview({ onEvent: events.onEvent, color: 'never' }).catch((error: Error) => {
      throw deployFailed(events.errors, error)
    }),
  )
  return { contacted, changes: result.changeSummary, steps: events.steps }
}
