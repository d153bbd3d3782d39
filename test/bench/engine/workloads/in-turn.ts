import type { Figures } from '../load.ts'
import type { Cases } from './workload.ts'

/** Means of each way's turns, which are taken in the order given. */
export async function inTurn<Way extends string>(
  order: readonly Way[],
  measure: (way: Way, turn: number) => Promise<Figures>,
): Promise<Cases> {
  const taken: Record<string, Figures[]> = {}
  for (const [turn, way] of order.entries()) (taken[way] ??= []).push(await measure(way, turn))
  return Object.fromEntries(Object.entries(taken).map(([way, each]) => [way, meanOf(each)]))
}

export function meanOf(each: readonly Figures[]): Figures {
  const names = Object.keys(each[0] ?? {})
  const mean = (name: string) =>
    each.reduce((sum, figures) => sum + (figures[name] ?? Number.NaN), 0) / each.length
  return Object.fromEntries(names.map((name) => [name, mean(name)]))
}
