import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { isDirty } from './source-state.ts'
import type { Cases } from './workloads/workload.ts'

const ArmResultSchema = z.strictObject({
  /** Start of the command that measured it, ISO 8601: arms of one command are comparable. */
  at: z.string(),
  commit: z.string(),
  /** As it was typed; those of older pages did not keep it. */
  command: z.string().optional(),
  /** llama-server's flags. */
  flags: z.string().optional(),
  /** A value a run, by case and metric; NaN is null in JSON. */
  cases: z.record(z.string(), z.record(z.string(), z.array(z.number().nullable()))),
})
export type ArmResult = z.infer<typeof ArmResultSchema>

const ResultsSchema = z.record(z.string(), z.record(z.string(), ArmResultSchema))
/** By workload and arm. */
export type Results = z.infer<typeof ResultsSchema>

export async function loadResults(file: string): Promise<Results> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text === undefined ? {} : ResultsSchema.parse(JSON.parse(text))
}

export async function saveResults(file: string, results: Results): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, JSON.stringify(results, undefined, 1))
}

const KeptSchema = z.record(
  z.string(),
  z.strictObject({ machine: z.string(), arms: z.record(z.string(), ArmResultSchema) }),
)
/** What stands on a page: by workload. */
export type Kept = z.infer<typeof KeptSchema>

/**
 * Puts `fresh` over what `file` keeps and returns both: a page may be measured in several days. Arms of
 * one workload are of one machine: what another one measured of it is dropped, for it can't be compared.
 */
export async function keepResults(file: string, machine: string, fresh: Results): Promise<Kept> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  const kept = text === undefined ? {} : KeptSchema.parse(JSON.parse(text))
  for (const [workload, arms] of Object.entries(fresh)) {
    const before = kept[workload]
    kept[workload] = { machine, arms: { ...(before?.machine === machine && before.arms), ...arms } }
  }
  await writeFile(file, `${JSON.stringify(kept, toFigures)}\n`)
  return kept
}

export const resultsOf = (kept: Kept): Results =>
  Object.fromEntries(Object.entries(kept).map(([workload, { arms }]) => [workload, arms]))

const FIGURES = 5
const toFigures = (_: string, value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(FIGURES)) : value

/** Without what was measured of a changed source, which nobody can check out. */
export const committedOf = (results: Results): Results =>
  Object.fromEntries(
    Object.entries(results)
      .map(([workload, arms]) => {
        const committed = Object.entries(arms).filter(([, { commit }]) => !isDirty(commit))
        return [workload, Object.fromEntries(committed)] as const
      })
      .filter(([, arms]) => Object.keys(arms).length > 0),
  )

/** Appends one run. */
export function addRun(result: ArmResult, cases: Cases): void {
  for (const [name, figures] of Object.entries(cases)) {
    const row = (result.cases[name] ??= {})
    for (const [metric, value] of Object.entries(figures)) (row[metric] ??= []).push(value)
  }
}

/** Values of all runs; none where it was not measured. */
export function valuesOf(
  results: Results,
  { workload, arm, name, metric }: { workload: string; arm: string; name: string; metric: string },
): number[] {
  const values = results[workload]?.[arm]?.cases[name]?.[metric] ?? []
  return values.filter((value): value is number => value !== null && Number.isFinite(value))
}
