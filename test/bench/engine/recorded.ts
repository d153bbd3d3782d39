import { loadavg } from 'node:os'
import { DISTURBED } from './goals.ts'
import type { Figures } from './load.ts'
import { type Taken, watched, watchedCommands } from './processes.ts'

export const say = (line: string): boolean => process.stderr.write(`${line}\n`)

/** Figures of a case with memory, processor time and load beside them. */
export async function recorded(
  pids: () => Promise<readonly number[]>,
  work: () => Promise<Figures>,
): Promise<Figures> {
  const load = loadNow()
  const { value, taken } = await watched(pids, work)
  tellDisturbance(taken)
  return { ...value, ...taken, load }
}

/** What commands took that start and end within `work`, for all of their cases together. */
export async function recordedCommands<T>(
  work: () => Promise<T>,
): Promise<{ value: T; taken: Figures }> {
  const load = loadNow()
  const { value, taken } = await watchedCommands(work)
  tellDisturbance(taken)
  return { value, taken: { ...taken, load } }
}

const loadNow = (): number => loadavg()[0] ?? Number.NaN

function tellDisturbance({ cpuSeconds, otherCpuSeconds }: Omit<Taken, 'peakMiB'>): void {
  const share = otherCpuSeconds / cpuSeconds
  if (!(share > DISTURBED)) return
  say(`  disturbed: others took ${(share * 100).toFixed(0)} % of what the arm took`)
}
