import { KitError } from '../../catalog/errors.ts'

/** A file that breaks a rule of the format, or of llama.cpp; `field` names what in it. */
export function corrupt(file: string, field: string, expected: string, got: string): KitError {
  const fix = 'fetch the file again, or choose another one'
  return new KitError('WEIGHTS_CORRUPT', { path: `${file}, ${field}`, expected, got, fix })
}

/** A sound file that holds something else than a model to serve. */
export function notServable(
  file: string,
  field: string,
  expected: string,
  got: string,
  fix = 'choose a file that holds a whole model',
): KitError {
  return new KitError('WEIGHTS_NOT_SERVABLE', { path: `${file}, ${field}`, expected, got, fix })
}

const SHOWN = 64

/** Text out of a file, fit for a message: short and in quotes. */
export const shown = (text: string): string => `"${printable(text, SHOWN)}"`

/** At most so many characters; what could move a cursor, hide or turn text round is a question mark. */
export function printable(text: string, most: number): string {
  const clean = text.slice(0, most).replace(/(?! )[\p{C}\p{Z}]/gu, '?')
  return text.length > most ? `${clean}…` : clean
}
