/** One step of work as a person follows it. Effects report through it and never print. */
export interface ProgressEvent {
  /** Stable name of the step, e.g. `build kubernetes`. */
  step: string
  state: 'start' | 'info' | 'done' | 'failed'
  /** What is happening and why. */
  detail?: string
}
export type Report = (event: ProgressEvent) => void

/** Reports start and end of `work` as one step. */
export async function asStep<T>(
  report: Report,
  step: string,
  detail: string,
  work: () => Promise<T>,
): Promise<T> {
  report({ step, state: 'start', detail })
  try {
    const result = await work()
    report({ step, state: 'done' })
    return result
  } catch (error) {
    report({ step, state: 'failed' })
    throw error
  }
}
