import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { PythonProcess } from './python-process.ts'
import type { PythonRun } from './python-process.ts'
import { QUESTIONS, writeRightsTask } from './rights-task.ts'
import type { Question } from './rights-task.ts'

const service = inject('service')
const client = new OpenAI({ baseURL: service.baseURL, apiKey: service.apiKey })

/** As lm-eval logs it, what of it is read here. */
interface Sample {
  doc_id: number
  doc: Question
  acc: number
  /** Of each choice its log-likelihood, and whether it is what the model itself would write. */
  filtered_resps: [loglikelihood: number | string, greedy: boolean | string][]
}

let python: PythonProcess
let questions: Question[]
let run: PythonRun
let results: { results: { rights: Record<string, number> } }
let samples: Sample[]

beforeAll(async () => {
  python = await PythonProcess.start('openai-3', service)
  const [tasks, output] = [join(python.home, 'tasks'), join(python.home, 'output')]
  questions = writeRightsTask(tasks)
  run = await python.sh([join(import.meta.dirname, 'python', 'lm-eval.sh'), tasks, output])
  const read = (name: string) => {
    const [file = ''] = globSync(join(output, '**', name))
    return readFileSync(file, 'utf8')
  }
  results = JSON.parse(read('results_*.json'))
  const lines = read('samples_rights_*.jsonl').trimEnd().split('\n')
  samples = lines.map((line) => JSON.parse(line) as Sample)
})
afterAll(() => python.close())

/** Log-likelihood of how a text goes on, by our own numbers: of each token whose text is no part of it. */
async function likelihoodOf(text: string, goingOn: string) {
  const { choices } = await client.completions.create({
    ...{ model: service.model, prompt: text + goingOn, temperature: 0 },
    ...{ echo: true, max_tokens: 0, logprobs: 1 },
  })
  const {
    text_offset: offsets = [],
    token_logprobs: all = [],
    top_logprobs: tops = [],
  } = choices[0]?.logprobs ?? {}
  const from = offsets.findIndex((offset) => offset >= text.length)
  const own = all.slice(from)
  return {
    loglikelihood: own.reduce((sum, each) => sum + each, 0),
    greedy: own.every((each, at) => each === Math.max(...Object.values(tops[from + at] ?? {}))),
  }
}

test('every question is answered, and the accuracy is that of the answers', () => {
  expect(samples).toHaveLength(QUESTIONS)
  const right = samples.filter(({ doc, filtered_resps: told }) => {
    const likelihoods = told.map(([each]) => Number(each))
    return likelihoods.indexOf(Math.max(...likelihoods)) === doc.answer
  })
  expect(results.results.rights['acc,none']).toBeCloseTo(right.length / QUESTIONS, 6)
  // By chance it would be a quarter; the model has read the declaration.
  expect(results.results.rights['acc,none']).toBeGreaterThan(0.5)
})

test('log-likelihoods are those of our own log probabilities', async () => {
  const sample = samples.find(({ doc_id: id }) => id === 0)
  const [question] = questions
  expect(sample?.doc).toEqual(question)
  for (const [at, choice] of question!.choices.entries()) {
    const [told, greedy] = sample!.filtered_resps[at]!
    const own = await likelihoodOf(question!.text, ` ${choice}`)
    expect(own.loglikelihood).toBeLessThan(-1)
    expect(Number(told)).toBeCloseTo(own.loglikelihood, 3)
    expect(String(greedy).toLowerCase()).toBe(String(own.greedy))
  }
})

test('nobody is asked but the service', () => {
  expect(run.askedElsewhere).toEqual([])
})

test('a model that ends at once still has a row of its own, which lm-eval leaves out', async () => {
  // lm-eval reads log probabilities up to the last but one: that is the token it asked for.
  const asked = { model: service.model, prompt: 'The end', echo: true, max_tokens: 1, logprobs: 1 }
  const { choices, usage } = await client.completions.create({
    ...asked,
    logit_bias: { [END_TOKEN]: 100 },
  })
  expect(choices[0]).toMatchObject({ text: 'The end', finish_reason: 'stop' })
  expect(choices[0]?.logprobs?.token_logprobs).toHaveLength(usage!.prompt_tokens + 1)
})

/** `<|im_end|>` of SmolLM2. */
const END_TOKEN = 2
