import { randomInt } from 'node:crypto'

/** A stand-in has 16 digits, which JavaScript tells from the next: these, and then a count. */
const LEAST = 45_035_997
const MOST = 90_071_991
const COUNT_DIGITS = 8
const WHOLE = /^-?\d+$/
/** Powers of ten that Python writes without an exponent. */
const [LEAST_POWER, MOST_POWER] = [-4, 15]

/**
 * The numbers of one rendering. A template's renderer writes six digits of a fraction, and no whole number
 * beyond 64 bits; so whole numbers stand in for them until it has done its work. They are written as
 * Python does, because that is how models have read them.
 */
export class ExactNumbers {
  readonly #texts: string[] = []
  readonly #first = randomInt(LEAST, MOST)

  /** What a template is given for a number that JSON has as `source`. */
  standIn(source: string): number {
    const value = Number(source)
    if (WHOLE.test(source) && Number.isSafeInteger(value)) return value
    return this.standInFor(pythonNumber(source))
  }

  /** A number that will read `text`. */
  standInFor(text: string): number {
    const count = this.#texts.push(text) - 1
    return Number(`${this.#first}${String(count).padStart(COUNT_DIGITS, '0')}`)
  }

  /** `rendered` with the numbers themselves. */
  restore(rendered: string): string {
    if (this.#texts.length === 0) return rendered
    const standIn = new RegExp(`${this.#first}(\\d{${COUNT_DIGITS}})`, 'g')
    return rendered.replace(standIn, (written, count) => this.#texts[Number(count)] ?? written)
  }
}

/** A number of JSON as Python reads it and writes it again. */
export function pythonNumber(source: string): string {
  const value = Number(source)
  if (WHOLE.test(source)) return source
  if (!Number.isFinite(value)) return `${value}`
  if (Object.is(value, -0)) return '-0.0'
  const [digits = '', exponent = ''] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power >= LEAST_POWER && power <= MOST_POWER) {
    return Number.isInteger(value) ? `${value}.0` : `${value}`
  }
  return `${digits}e${power < 0 ? '-' : '+'}${`${Math.abs(power)}`.padStart(2, '0')}`
}
