import type { CoreV1Event, V1ContainerStatus, V1Pod } from '@kubernetes/client-node'
import { causeOf, classify, type Cause, type CauseKind } from './cause.ts'
import { PROVIDER_WORDS } from './provider-words.ts'

/** Reasons of the scheduler, of which one message has several; what only people can mend stands first. */
const SCHEDULER_WORDS: readonly (readonly [RegExp, CauseKind])[] = [
  [/volume node affinity conflict/, 'volume zone'],
  [/unbound.*PersistentVolumeClaim|persistentvolumeclaim .* not found/i, 'volume'],
  [/Insufficient /, 'resources'],
  [/untolerated taint(?!s? \{node(-role)?\.kubernetes\.io)/, 'taint'],
  [/didn't match.*(node affinity|selector)/i, 'affinity'],
  [/cannot allocate all claims|resourceclaim/i, 'resources'],
]

const WAITING: readonly (readonly [RegExp, CauseKind])[] = [
  [/^(ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull)/, 'image'],
  [/^CreateContainerConfigError/, 'config'],
  [/^(ContainerCreating|PodInitializing)/, 'starting'],
]

/** Why a pod is not ready: no node, a volume, an image, a crash, a probe that fails. Pure. */
export function causesOf(pod: V1Pod, events: readonly CoreV1Event[] = []): Cause[] {
  const name = pod.metadata?.name ?? 'pod'
  const own = events.filter(({ involvedObject }) => involvedObject.uid === pod.metadata?.uid)
  const unscheduled = pod.status?.conditions?.find(
    (condition) => condition.type === 'PodScheduled' && condition.status === 'False',
  )
  if (unscheduled) {
    const said = unscheduled.message ?? unscheduled.reason ?? 'Unschedulable'
    return [unscheduledCause(name, said, unscheduled.lastTransitionTime, own)]
  }
  const mount = latest(own, /^Failed(Mount|AttachVolume)$/)
  const containers = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
  ].filter(({ ready, state }) => !ready && state?.terminated?.exitCode !== 0)
  if (mount !== undefined && containers.every(({ state }) => state?.running === undefined)) {
    return [causeOf(name, 'volume', mount.message ?? '', timeOf(mount))]
  }
  return containers.map((container) => containerCause(pod, name, container))
}

function unscheduledCause(
  name: string,
  said: string,
  since: Date | undefined,
  events: readonly CoreV1Event[],
): Cause {
  // Whoever makes nodes says more than the scheduler, which sees only those that there are.
  const provisioner = latest(events, /^(FailedScheduling|NotTriggerScaleUp)$/, (event) =>
    /karpenter|cluster-autoscaler/.test(event.source?.component ?? event.reportingComponent ?? ''),
  )
  const told = provisioner?.message ?? ''
  const kind = classify(told, PROVIDER_WORDS)
  if (kind !== undefined) return causeOf(name, kind, told, since)
  return causeOf(name, classify(said, SCHEDULER_WORDS) ?? 'unknown', said, since)
}

function containerCause(pod: V1Pod, name: string, container: V1ContainerStatus): Cause {
  const at = `${name}/${container.name}`
  const { waiting, running } = container.state ?? {}
  const last = container.lastState?.terminated ?? container.state?.terminated
  const ended = last ? `last exit ${last.exitCode} (${last.reason ?? 'no reason'})` : undefined
  const since = running?.startedAt ?? last?.finishedAt ?? pod.metadata?.creationTimestamp
  const why = waiting ? `${waiting.reason}: ${waiting.message ?? ''}` : 'started, not ready yet'
  const message = ended === undefined ? why : `${why}; ${ended}`
  if (last?.reason === 'OOMKilled') return causeOf(at, 'memory', message, since)
  if (waiting === undefined) return causeOf(at, 'starting', message, since)
  return causeOf(at, classify(why, WAITING) ?? (last ? 'crash' : 'unknown'), message, since)
}

/** Why a Deployment made no pod at all: admission refused it. Pure. */
export function refusedPods(
  name: string,
  conditions: readonly { type: string; message?: string; lastTransitionTime?: Date }[],
): Cause[] {
  return conditions
    .filter(({ type }) => type === 'ReplicaFailure')
    .map(({ message, lastTransitionTime }) =>
      causeOf(name, 'admission', message ?? 'pods are refused', lastTransitionTime),
    )
}

function latest(
  events: readonly CoreV1Event[],
  reason: RegExp,
  also: (event: CoreV1Event) => boolean = () => true,
): CoreV1Event | undefined {
  return events
    .filter((event) => reason.test(event.reason ?? '') && also(event))
    .sort((one, other) => (timeOf(other)?.getTime() ?? 0) - (timeOf(one)?.getTime() ?? 0))[0]
}

const timeOf = ({ lastTimestamp, eventTime, metadata }: CoreV1Event): Date | undefined => {
  const time = lastTimestamp ?? eventTime ?? metadata.creationTimestamp
  return time === undefined ? undefined : new Date(time)
}
