import { type Outcome, type Stage, expectAfter } from '../outcome.ts'
import { scale } from './scale.ts'

/** One pod more than the pool may hold: that one waits, the others run, and no node is made beyond the limit. */
export async function exhaustLimit(stage: Stage, most: number): Promise<Outcome> {
  const outcome = await expectAfter(
    stage,
    `of ${most + 1} pods ${most} run and one waits: the pool is at its limit`,
    120,
    async () => {
      await scale(stage, most + 1)
    },
    ({ pods }) => pods.length === most + 1 && pods.filter(({ ready }) => ready).length === most,
  )
  if (!outcome.ok) return outcome
  const why = await causeOf(stage)
  const ok = /limit/.test(why)
  return { ...outcome, ok, happened: `${outcome.happened}; Karpenter says: ${why || 'nothing'}` }
}

const PATIENCE = 40

/** Karpenter's own words about the pod that waits; it says them in an event, up to 10 s later. */
async function causeOf({ fleet: { kubectl }, workload }: Stage): Promise<string> {
  const select = ['get', 'events', '-n', workload.namespace, '--field-selector']
  const rows = 'jsonpath={range .items[*]}{.message}{"\\n"}{end}'
  for (let tries = 0; tries < PATIENCE; tries++) {
    const text = await kubectl(...select, 'reason=FailedScheduling', '-o', rows)
    const line = text.split('\n').find((message) => /exceed limits|limits? exceeded/.test(message))
    if (line !== undefined) return line.slice(0, 200)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  return ''
}
