import { isObject, listAt, numberAt, stringAt, type JsonObject } from '../property-value.ts'
import { podProblems } from './pod.ts'
import { conditionOf, explain, isTrue, READY, waiting, type Readiness } from './readiness.ts'

const REVISION = 'deployment.kubernetes.io/revision'

/** Ready once the newest template runs on all replicas and nothing older is left. */
export function judgeDeployment(
  deployment: JsonObject,
  replicaSets: readonly JsonObject[],
  pods: readonly JsonObject[],
): Readiness {
  if (deployment['spec'] && (deployment['spec'] as JsonObject)['paused'] === true) return READY
  const count = (name: string) => numberAt(deployment, 'status', name) ?? 0
  const wanted = numberAt(deployment, 'spec', 'replicas') ?? 1
  const newest = newestReplicaSet(deployment, replicaSets)
  const problems = rolloutProblems(deployment, newest, pods)
  if (count('observedGeneration') < (numberAt(deployment, 'metadata', 'generation') ?? 0)) {
    return waiting('waiting for the deployment controller', problems)
  }
  if (count('updatedReplicas') < wanted || count('availableReplicas') < wanted) {
    const available = Math.min(count('availableReplicas'), count('updatedReplicas'))
    return waiting(`waiting for pods: ${available} of ${wanted} available`, problems)
  }
  const older = count('replicas') - count('updatedReplicas')
  if (older > 0) return waiting(`waiting for ${older} older pods to end`, problems)
  return READY
}

function rolloutProblems(
  deployment: JsonObject,
  newest: JsonObject | undefined,
  pods: readonly JsonObject[],
): string[] {
  const refused = [newest, deployment]
    .map((object) => object && conditionOf(object, 'ReplicaFailure'))
    .find(isTrue)
  const progressing = conditionOf(deployment, 'Progressing')
  const stalled = progressing && !isTrue(progressing) ? [explain(progressing)] : []
  const own = newest ? pods.filter((pod) => isOwnedBy(pod, newest)) : []
  const causes = new Set([...(refused ? [explain(refused)] : []), ...own.flatMap(podProblems)])
  return [...causes, ...stalled]
}

function newestReplicaSet(
  deployment: JsonObject,
  replicaSets: readonly JsonObject[],
): JsonObject | undefined {
  const revision = (object: JsonObject) =>
    Number(stringAt(object, 'metadata', 'annotations', REVISION) ?? 0)
  return replicaSets
    .filter((set) => isOwnedBy(set, deployment))
    .sort((one, other) => revision(other) - revision(one))[0]
}

export function isOwnedBy(object: JsonObject, owner: JsonObject): boolean {
  const uid = stringAt(owner, 'metadata', 'uid')
  const owners = listAt(object, 'metadata', 'ownerReferences').filter(isObject)
  return uid !== undefined && owners.some((reference) => reference['uid'] === uid)
}
