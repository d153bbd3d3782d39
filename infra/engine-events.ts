import type { EngineEvent } from '@pulumi/pulumi/automation/index.js'
import type { Report } from './progress.ts'

/** One planned or done change of a resource. */
export interface Step {
  op: string
  type: string
  name: string
  /** Property paths that differ. */
  diff: string[]
}

const QUIET = new Set(['same', 'read', 'refresh'])
const isProvider = (type: string) => type.startsWith('pulumi:')

/** Collects what Pulumi's engine tells: changes for the result, errors for the message. */
export class EngineEvents {
  readonly steps: Step[] = []
  readonly errors: string[] = []
  readonly warnings: string[] = []
  readonly #report: Report

  constructor(report: Report) {
    this.#report = report
  }

  readonly onEvent = (event: EngineEvent): void => {
    const planned = event.resourcePreEvent?.metadata
    if (planned && !QUIET.has(planned.op) && planned.type !== 'pulumi:pulumi:Stack') {
      const name = nameOf(planned.urn)
      if (!isProvider(planned.type)) {
        this.steps.push({
          op: planned.op,
          type: planned.type,
          name,
          diff: Object.keys(planned.detailedDiff ?? {}).sort(),
        })
      }
      this.#report({ step: `${planned.op} ${kindOf(planned.type)} ${name}`, state: 'info' })
    }
    const message = event.diagnosticEvent
    if (!message) return
    const text = stripColor(message.message).trim()
    if (text === '') return
    if (message.ephemeral)
      this.#report({ step: nameOf(message.urn ?? ''), state: 'info', detail: text })
    else if (message.severity === 'error') this.errors.push(text)
    else if (message.severity === 'warning') this.warnings.push(text)
    else if (message.severity.startsWith('info'))
      this.#report({ step: 'pulumi', state: 'info', detail: text })
  }
}

const nameOf = (urn: string): string => urn.split('::').at(-1) ?? urn
const kindOf = (type: string): string => type.split(':').at(-1) ?? type
const stripColor = (text: string): string => text.replace(/<\{%.*?%\}>|\u001b\[[0-9;]*m/g, '')
