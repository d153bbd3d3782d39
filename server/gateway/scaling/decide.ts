import type { ModelScaling } from '../../../catalog/scaling.ts'

export type ScalingPolicy = Pick<
  ModelScaling,
  'min' | 'max' | 'slots' | 'waitingPerReplica' | 'waitMs' | 'idleMs'
>

/** One look at a model, over all gateways. */
export interface Sight {
  /** Of any clock that never goes back, milliseconds. */
  atMs: number
  /** That its Deployment asks for now. */
  replicas: number
  /** Requests under way, held ones among them. */
  requests: number
  /** Those of them for which no pod is ready. */
  held: number
  /** Requests that its pods refused (429) in the last seconds. */
  refused: number
  /** Requests answered since some moment in the past. */
  finished: number
}

/** What earlier looks leave behind. */
export interface Past {
  /** Since when looks have followed each other without a gap. */
  sinceMs: number
  lastMs: number
  /** Replicas that were needed within `idleMs`, falling: none behind another was higher. */
  needs: readonly { atMs: number; replicas: number }[]
  /** Since when more requests than slots were under way of as many replicas. */
  busy: { sinceMs: number; replicas: number; finished: number } | undefined
}

export interface Decision {
  replicas: number
  past: Past
}

/** After so long without a look nobody knows what was needed meanwhile. */
const GAP_MS = 30_000

/**
 * How many replicas a model should have. Up at once, by the requests that a replica is worth: those in
 * its slots and those that may wait for one, by number and by predicted time. Down only to what all
 * requests under way have needed in slots alone for the whole of `idleMs`: more come up than go down at
 * the same load, so that nothing flaps, and streams that run fit into what stays.
 */
export function decide(policy: ScalingPolicy, before: Past | undefined, sight: Sight): Decision {
  const { min, max, slots, idleMs } = policy
  const { atMs, replicas } = sight
  const within = (count: number) => Math.min(max, Math.max(min, count))
  const load = sight.requests + sight.refused
  const busy = busyOf(policy, before, sight)
  const past: Past = {
    sinceMs: before === undefined || atMs - before.lastMs > GAP_MS ? atMs : before.sinceMs,
    lastMs: atMs,
    needs: withNeed(before?.needs ?? [], { atMs, replicas: Math.ceil(load / slots) }, idleMs),
    busy,
  }
  const wanted = within(Math.ceil(load / worthOf(policy, busy, sight)))
  if (wanted >= replicas) return { replicas: wanted, past }
  const known = atMs - past.sinceMs >= idleMs
  const most = Math.max(wanted, past.needs[0]?.replicas ?? 0)
  return { replicas: within(known ? Math.min(replicas, most) : replicas), past }
}

/** Requests that one replica serves without others having to wait too long. */
function worthOf(
  { slots, waitingPerReplica, waitMs }: ScalingPolicy,
  busy: Past['busy'],
  { atMs, replicas, finished }: Sight,
): number {
  if (busy === undefined) return slots + waitingPerReplica
  const seconds = (atMs - busy.sinceMs) / 1000
  if (seconds === 0) return slots + waitingPerReplica
  // One is about to finish: without it nothing would be known of long answers for as long as they take.
  const perSecond = (finished - busy.finished + 1) / seconds / replicas
  return slots + Math.min(waitingPerReplica, (perSecond * waitMs) / 1000)
}

/** Only while all slots are taken does the pace of answers tell how long others wait. */
function busyOf(
  { slots }: ScalingPolicy,
  before: Past | undefined,
  { atMs, replicas, requests, held, finished }: Sight,
): Past['busy'] {
  if (replicas === 0 || requests - held <= replicas * slots) return undefined
  const { busy } = before ?? {}
  // A gateway that ended takes its count along.
  const goesOn = busy?.replicas === replicas && finished >= busy.finished
  return goesOn ? busy : { sinceMs: atMs, replicas, finished }
}

function withNeed(
  needs: Past['needs'],
  need: { atMs: number; replicas: number },
  idleMs: number,
): Past['needs'] {
  const higher = needs.filter(
    ({ atMs, replicas }) => need.atMs - atMs <= idleMs && replicas > need.replicas,
  )
  return [...higher, need]
}
