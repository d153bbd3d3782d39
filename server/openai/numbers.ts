import { z } from 'zod'

/** A number within bounds; the rule is what an error says was expected. */
export function numberFrom(from: number, to: number) {
  const rule = `a number from ${from} to ${to}`
  return z.number(rule).min(from, rule).max(to, rule)
}

export function wholeFrom(from: number, to: number) {
  const rule = `a whole number from ${from} to ${to}`
  return z.int(rule).min(from, rule).max(to, rule)
}
