import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { declarationIn } from '../bench/engine/declaration.ts'

export const QUESTIONS = 20
const CHOICES = 4

export interface Question {
  text: string
  choices: string[]
  /** Which of them is right. */
  answer: number
}

/**
 * A multiple-choice task for lm-eval in `folder`: how articles of the Universal Declaration of Human Rights
 * go on. The wrong choices are how others do.
 */
export function writeRightsTask(folder: string): Question[] {
  const questions = questionsOf(beginningsOfArticles().slice(0, QUESTIONS))
  mkdirSync(folder, { recursive: true })
  const data = join(folder, 'rights.jsonl')
  writeFileSync(data, questions.map((question) => `${JSON.stringify(question)}\n`).join(''))
  writeFileSync(join(folder, 'rights.yaml'), taskOf(data))
  return questions
}

/** First sentences of the articles, in two halves. Of ASCII, so that a character is a byte. */
function beginningsOfArticles(): (readonly [begin: string, end: string])[] {
  const articles = declarationIn('en')
    .split(/Article \d+ /)
    .slice(1)
  return articles.flatMap((article) => {
    const [sentence = ''] = /^[^.;]+/.exec(article) ?? []
    const words = sentence.trim().split(' ')
    const half = Math.ceil(words.length / 2)
    if (half < 4 || !/^[\x20-\x7e]+$/.test(sentence)) return []
    return [[words.slice(0, half).join(' '), words.slice(half).join(' ')] as const]
  })
}

const questionsOf = (halves: readonly (readonly [string, string])[]): Question[] =>
  halves.map(([text], at) => {
    const answer = at % CHOICES
    const choices = Array.from({ length: CHOICES }, (_, choice) => {
      const from = (at + choice - answer + halves.length) % halves.length
      return halves[from]![1]
    })
    return { text, choices, answer }
  })

const taskOf = (data: string) => `\
task: rights
dataset_path: json
dataset_kwargs:
  data_files:
    test: ${data}
test_split: test
output_type: multiple_choice
doc_to_text: '{{text}}'
doc_to_choice: '{{choices}}'
doc_to_target: answer
metric_list:
  - metric: acc
  - metric: acc_norm
metadata:
  version: 1
`
