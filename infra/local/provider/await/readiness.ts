import { isObject, listAt, stringAt, type Json, type JsonObject } from '../property-value.ts'

/** How far an object is. */
export interface Readiness {
  ready: boolean
  /** One line for the display, e.g. `waiting for pods: 0 of 1 available`. */
  status: string
  /** Causes that a person has to know when it does not become ready. */
  problems: string[]
  /** It can never become ready: waiting on would be a waste. */
  hopeless?: boolean
}

export const READY: Readiness = { ready: true, status: 'ready', problems: [] }

export const waiting = (status: string, problems: string[] = []): Readiness => ({
  ready: false,
  status,
  problems,
})

export function conditionOf(object: JsonObject, type: string): JsonObject | undefined {
  const conditions = listAt(object, 'status', 'conditions').filter(isObject)
  return conditions.find((condition) => condition['type'] === type)
}

export const isTrue = (condition: JsonObject | undefined): boolean =>
  condition?.['status'] === 'True'

/** `reason: message` of a condition or of a container's state. */
export function explain(about: Json | undefined): string {
  const reason = stringAt(about, 'reason')
  const message = stringAt(about, 'message')
  return [reason, message].filter((part) => part).join(': ')
}
