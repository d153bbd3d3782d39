import {
  isObject,
  listAt,
  numberAt,
  stringAt,
  valueAt,
  type JsonObject,
} from '../property-value.ts'
import { conditionOf, explain, isTrue, READY, waiting, type Readiness } from './readiness.ts'

/** Reasons of a waiting container that are steps on the way, not causes. */
const HARMLESS = new Set(['ContainerCreating', 'PodInitializing'])

/** Ready once it runs and its readiness holds, or once it ended well. */
export function judgePod(pod: JsonObject): Readiness {
  const phase = stringAt(pod, 'status', 'phase')
  if (phase === 'Succeeded') return READY
  const problems = podProblems(pod)
  if (phase === 'Failed') {
    return { ...waiting('the pod failed', problems), hopeless: true }
  }
  if (phase === 'Running' && isTrue(conditionOf(pod, 'Ready'))) return READY
  return waiting(`waiting for the pod: ${phase ?? 'not yet seen'}`, problems)
}

/** Why a pod does not get on: one line each, with the scheduler's or the container runtime's words. */
export function podProblems(pod: JsonObject): string[] {
  const name = stringAt(pod, 'metadata', 'name') ?? 'pod'
  const scheduled = conditionOf(pod, 'PodScheduled')
  if (scheduled && !isTrue(scheduled)) return [`[Pod ${name}]: ${explain(scheduled)}`]
  const containers = [
    ...listAt(pod, 'status', 'initContainerStatuses'),
    ...listAt(pod, 'status', 'containerStatuses'),
  ].filter(isObject)
  const causes = containers.flatMap((status) => containerProblems(status))
  const failed =
    stringAt(pod, 'status', 'phase') === 'Failed' ? [explain(pod['status'])].filter(Boolean) : []
  const found = [...failed, ...causes]
  if (found.length > 0) return found.map((cause) => `[Pod ${name}]: ${cause}`)
  const ready = conditionOf(pod, 'Ready')
  if (stringAt(pod, 'status', 'phase') === 'Running' && ready && !isTrue(ready)) {
    return [`[Pod ${name}]: ${explain(ready)}`]
  }
  return []
}

function containerProblems(status: JsonObject): string[] {
  const name = stringAt(status, 'name') ?? ''
  const waitingFor = valueAt(status, 'state', 'waiting')
  const last = valueAt(status, 'lastState', 'terminated')
  const ended = valueAt(status, 'state', 'terminated')
  if (isObject(waitingFor) && !HARMLESS.has(stringAt(waitingFor, 'reason') ?? '')) {
    const before = isObject(last) ? `; it last ended with ${describeEnd(last)}` : ''
    return [`container "${name}": ${explain(waitingFor)}${before}`]
  }
  if (isObject(ended) && numberAt(ended, 'exitCode') !== 0) {
    return [`container "${name}" ended with ${describeEnd(ended)}`]
  }
  return []
}

function describeEnd(state: JsonObject): string {
  const code = numberAt(state, 'exitCode') ?? '?'
  const why = explain(state)
  return `exit code ${code}${why ? ` (${why.trim()})` : ''}`
}
