import type { ProgressEvent, Report } from '../infra/progress.ts'

export interface ProgressOutput {
  write(text: string): unknown
  isTTY?: boolean
}

/**
 * Progress for a person, on stderr: one line when a step starts or ends, with the time since the
 * command began. On a terminal a line that only informs replaces itself.
 */
export function createProgress(output: ProgressOutput, env: NodeJS.ProcessEnv): Report {
  const began = Date.now()
  const color = Boolean(output.isTTY) && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  const started = new Map<string, number>()
  let transient = false

  const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`
  const paint = (code: number, text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text)
  const line = (text: string) => {
    if (transient) output.write('\r\u001b[K')
    transient = false
    output.write(`${text}\n`)
  }

  return (event: ProgressEvent) => {
    const at = `[${seconds(began).padStart(8)}]`
    const detail = event.detail ? `: ${event.detail}` : ''
    switch (event.state) {
      case 'start':
        started.set(event.step, Date.now())
        return line(`${at} ${event.step}${detail}`)
      case 'info':
        if (!output.isTTY) return line(`${at} ${event.step}${detail}`)
        output.write(`\r\u001b[K${at} ${event.step}${detail}`.slice(0, 160))
        transient = true
        return
      case 'done':
        return line(
          `${at} ${event.step} ${paint(32, 'done')} in ${seconds(started.get(event.step) ?? began)}${detail}`,
        )
      case 'failed':
        return line(`${at} ${event.step} ${paint(31, 'failed')}${detail}`)
    }
  }
}
