import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fleet } from './fleet.ts'
import { type Observation, type Workload, observe } from './observation.ts'

/** What a rehearsal says about one expectation. */
export interface Outcome {
  expectation: string
  happened: string
  ok: boolean
  seconds: number
}

/** What scenarios play on. */
export interface Stage {
  fleet: Fleet
  workload: Workload
  /** Zones that the pool's nodes may lie in. */
  zones: readonly string[]
  /** Told of everything that is seen, for the timeline. */
  onSeen?: (observation: Observation) => void
}

const POLL_MS = 250

/**
 * Acts, then looks until what is seen is as expected or `patienceSeconds` are over. A failed act is an
 * outcome too; a dead Karpenter or kwok is not: it throws CLUSTER_START_FAILED.
 */
export async function expectAfter(
  stage: Stage,
  expectation: string,
  patienceSeconds: number,
  act: () => Promise<unknown>,
  asExpected: (observation: Observation) => boolean,
): Promise<Outcome> {
  const start = performance.now()
  const seconds = () => Math.round((performance.now() - start) / 100) / 10
  try {
    await act()
  } catch (error) {
    const happened = (error as Error).message
    return { expectation, happened, ok: false, seconds: seconds() }
  }
  for (;;) {
    await stage.fleet.check()
    const seen = await observe(stage.fleet.kubectl, stage.workload)
    stage.onSeen?.(seen)
    const ok = asExpected(seen)
    if (ok || seconds() > patienceSeconds) {
      return { expectation, happened: describe(seen), ok, seconds: seconds() }
    }
    await sleep(POLL_MS)
  }
}

/** `4 of 4 pods ready, on 2 nodes in my-central-1a, my-central-1b, 4.80 an hour`. */
export function describe({ nodes, pods }: Observation): string {
  const ready = pods.filter((pod) => pod.ready).length
  const zones = [...new Set(nodes.map(({ zone }) => zone))].sort().join(', ')
  const price = nodes.reduce((sum, node) => sum + node.price, 0).toFixed(2)
  const where =
    nodes.length === 0 ? 'no node' : `${nodes.length} nodes in ${zones}, ${price} an hour`
  return `${ready} of ${pods.length} pods ready; ${where}`
}
