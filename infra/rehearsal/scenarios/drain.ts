import { observe } from '../observation.ts'
import { type Outcome, type Stage, expectAfter } from '../outcome.ts'

/** A person drains a node, as before a repair: disruption budgets hold, and the pods run elsewhere. */
export async function drainNode(stage: Stage): Promise<Outcome> {
  const { kubectl } = stage.fleet
  const { pods } = await observe(kubectl, stage.workload)
  const node = pods.find(({ ready }) => ready)?.node
  const expectation = `the pods of a drained node run on others, all ${pods.length} again`
  if (node === undefined) {
    return { expectation, happened: 'no pod ran that could be moved', ok: false, seconds: 0 }
  }
  return expectAfter(
    stage,
    expectation,
    120,
    () =>
      kubectl(...['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=90s']),
    (seen) =>
      seen.pods.length === pods.length &&
      seen.pods.every(({ ready, node: at }) => ready && at !== node),
  )
}
