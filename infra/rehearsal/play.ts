import { performance } from 'node:perf_hooks'
import type { Report } from '../progress.ts'
import type { Outcome, Stage } from './outcome.ts'
import { drainNode } from './scenarios/drain.ts'
import { exhaustLimit } from './scenarios/limit.ts'
import { scaleToZero, scaleUp } from './scenarios/scale.ts'
import { rollUpgrade } from './scenarios/upgrade.ts'
import { loseZone } from './scenarios/zone-loss.ts'
import { type Mark, type Moment, momentOf, timelineSvg } from './timeline.ts'

export interface Played {
  outcomes: readonly Outcome[]
  /** SVG: nodes and pods over the time, with a mark where each scenario began. */
  timeline: string
}

export interface Part {
  title: string
  play: (stage: Stage) => Promise<Outcome>
}

/** What a rehearsal plays on a workload of `replicas` pods that run, on a pool that holds `most` of them. */
export const partsOf = (
  { zones }: Pick<Stage, 'zones'>,
  { replicas, most }: { replicas: number; most: number },
): Part[] => [
  { title: 'a node is drained', play: drainNode },
  { title: 'upgrade', play: rollUpgrade },
  // With one zone alone there is nowhere to go: nothing is claimed then.
  ...(zones.length > 1 ? [zoneLoss(zones[0]!)] : []),
  { title: 'the limit', play: (stage) => exhaustLimit(stage, most) },
  { title: 'to 0 pods', play: scaleToZero },
  { title: `0 to ${replicas} pods`, play: (stage) => scaleUp(stage, replicas) },
]

/** The zone sells again afterwards. */
const zoneLoss = (zone: string): Part => ({
  title: `${zone} is lost`,
  play: async (stage) => {
    try {
      return await loseZone(stage, zone)
    } finally {
      await stage.fleet.openZones()
    }
  },
})

/** Plays all parts one after the other, also behind one that failed. Fails only when the fleet's programs do. */
export async function play(stage: Stage, parts: readonly Part[], report: Report): Promise<Played> {
  const start = performance.now()
  const now = () => (performance.now() - start) / 1000
  const moments: Moment[] = []
  const marks: Mark[] = []
  const outcomes: Outcome[] = []
  const watched: Stage = {
    ...stage,
    onSeen: (seen) => {
      moments.push(momentOf(now(), seen))
      stage.onSeen?.(seen)
    },
  }
  for (const { title, play: playPart } of parts) {
    marks.push({ seconds: now(), text: title })
    report({ step: title, state: 'start' })
    const outcome = await playPart(watched)
    outcomes.push(outcome)
    const detail = `${outcome.happened} (${outcome.seconds} s)`
    report({ step: title, state: outcome.ok ? 'done' : 'failed', detail })
  }
  return { outcomes, timeline: timelineSvg(moments, marks) }
}
