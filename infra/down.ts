import { deployFailed } from './deploy-error.ts'
import { EngineEvents } from './engine-events.ts'
import { stopCluster } from './local/cluster.ts'
import { asStep, type Report } from './progress.ts'
import { loadStackFile } from './stack-file.ts'
import type { UpArgs } from './up.ts'
import { openStack } from './workspace.ts'

export interface DownArgs extends UpArgs {
  /** Also remove the weights volumes and the namespace that holds them. */
  purge: boolean
}

/**
 * Removes what `up` made. The embedded cluster goes as a whole and the stack's state with it;
 * on an existing cluster Pulumi deletes object by object and keeps the weights unless purged.
 */
export async function down(args: DownArgs, report: Report): Promise<void> {
  const stackFile = await loadStackFile(args.project, args.stackName)
  const { cluster } = stackFile
  const stack = await openStack(
    { ...args, stackFile, renderOnly: cluster.kind === 'local' },
    report,
  )
  if (cluster.kind === 'local') {
    await stopCluster(cluster.name, report, { purge: true })
    await stack.workspace.removeStack(args.stackName, { force: true, preserveConfig: true })
    return
  }
  const events = new EngineEvents(report)
  await asStep(report, 'destroy', args.purge ? 'everything' : 'all but the weights', async () => {
    try {
      if (args.purge) await unprotect(stack)
      await stack.destroy({
        onEvent: events.onEvent,
        color: 'never',
        excludeProtected: !args.purge,
      })
    } catch (error) {
      throw deployFailed(events.errors, error as Error)
    }
  })
}

/** Weights volumes are protected, so that only `--purge` can remove them. */
async function unprotect(stack: Awaited<ReturnType<typeof openStack>>): Promise<void> {
  const state = await stack.exportStack()
  const deployment = state.deployment as { resources?: { protect?: boolean }[] }
  for (const resource of deployment.resources ?? []) delete resource.protect
  await stack.importStack(state)
}
