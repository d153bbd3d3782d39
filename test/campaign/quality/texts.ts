import { declarationIn } from '../../bench/engine/declaration.ts'
import { LANGUAGES } from '../exactness/prompts.ts'

/** Characters of a language before the next one's turn: a few hundred tokens. */
const PIECE = 1500

/** The Universal Declaration of Human Rights in the languages of `exactness`, by turns: any beginning has all of them. */
export function mixedText(): string {
  const pieces = LANGUAGES.map((language) => piecesOf(declarationIn(language)))
  const turns = Math.max(...pieces.map(({ length }) => length))
  return Array.from({ length: turns }, (_, turn) => pieces.map((of) => of[turn] ?? ''))
    .flat()
    .filter((piece) => piece !== '')
    .join('\n')
}

const piecesOf = (text: string): string[] => {
  const characters = [...text]
  return Array.from({ length: Math.ceil(characters.length / PIECE) }, (_, at) =>
    characters.slice(at * PIECE, (at + 1) * PIECE).join(''),
  )
}
