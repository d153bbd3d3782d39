import type { V1Pod } from '@kubernetes/client-node'

/** Why a pod is not ready: unscheduled, an image, a crash, a failing probe. */
export function causesOf(pod: V1Pod): string[] {
  const name = pod.metadata?.name ?? 'pod'
  const unscheduled = pod.status?.conditions?.find(
    (condition) => condition.type === 'PodScheduled' && condition.status === 'False',
  )
  if (unscheduled) return [`${name}: ${unscheduled.reason}: ${unscheduled.message}`]
  const containers = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
  ]
  return containers
    .filter((container) => !container.ready && !container.state?.terminated?.finishedAt)
    .map((container) => {
      const waiting = container.state?.waiting
      const last = container.lastState?.terminated
      const ended = last ? `; last exit ${last.exitCode} (${last.reason})` : ''
      const why = waiting ? `${waiting.reason}: ${waiting.message ?? ''}` : 'started, not ready yet'
      return `${name}/${container.name}: ${why}${ended}`
    })
}
