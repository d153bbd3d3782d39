import { numberAt, stringAt, type JsonObject } from '../property-value.ts'
import { podProblems } from './pod.ts'
import { conditionOf, explain, isTrue, READY, waiting, type Readiness } from './readiness.ts'
import { isOwnedBy } from './deployment.ts'

const counter = (object: JsonObject) => (name: string) => numberAt(object, 'status', name) ?? 0
const isObserved = (object: JsonObject): boolean =>
  counter(object)('observedGeneration') >= (numberAt(object, 'metadata', 'generation') ?? 0)

export function judgeStatefulSet(set: JsonObject, pods: readonly JsonObject[]): Readiness {
  const count = counter(set)
  const wanted = numberAt(set, 'spec', 'replicas') ?? 1
  const current =
    stringAt(set, 'status', 'currentRevision') === stringAt(set, 'status', 'updateRevision')
  if (isObserved(set) && current && count('readyReplicas') >= wanted) return READY
  return waiting(
    `waiting for pods: ${count('readyReplicas')} of ${wanted} ready`,
    problemsOf(set, pods),
  )
}

export function judgeDaemonSet(set: JsonObject, pods: readonly JsonObject[]): Readiness {
  const count = counter(set)
  const wanted = count('desiredNumberScheduled')
  const done = Math.min(count('numberAvailable'), count('updatedNumberScheduled'))
  if (isObserved(set) && done >= wanted) return READY
  return waiting(`waiting for pods: ${done} of ${wanted} available`, problemsOf(set, pods))
}

/** Ready once complete; a failed job stays failed. */
export function judgeJob(job: JsonObject, pods: readonly JsonObject[]): Readiness {
  if (isTrue(conditionOf(job, 'Complete'))) return READY
  const failed = conditionOf(job, 'Failed')
  const problems = problemsOf(job, pods)
  if (isTrue(failed)) {
    return {
      ...waiting('the job failed', [`the job failed: ${explain(failed)}`, ...problems]),
      hopeless: true,
    }
  }
  if (job['spec'] && (job['spec'] as JsonObject)['suspend'] === true) return READY
  const wanted = numberAt(job, 'spec', 'completions') ?? 1
  return waiting(
    `waiting for the job: ${counter(job)('succeeded')} of ${wanted} completed`,
    problems,
  )
}

const problemsOf = (owner: JsonObject, pods: readonly JsonObject[]): string[] =>
  pods.filter((pod) => isOwnedBy(pod, owner)).flatMap(podProblems)
