/**
 * node-llama-cpp alone, as its own documentation uses it: reads {file, prompts, maxTokens} from the
 * argument, prints the greedy answers as a JSON list. Knows nothing of this project.
 */
import { getLlama } from 'node-llama-cpp'

interface Task {
  file: string
  prompts: string[]
  maxTokens: number
}

const { file, prompts, maxTokens } = JSON.parse(process.argv[2] ?? '') as Task
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 2 })
const model = await llama.loadModel({ modelPath: file })
const context = await model.createContext({ contextSize: 1024, sequences: 1, threads: 2 })
const sequence = context.getSequence()
const answers: string[] = []
for (const prompt of prompts) {
  await sequence.clearHistory()
  const bos = model.tokens.shouldPrependBosToken ? [model.tokens.bos!] : []
  const tokens = []
  for await (const token of sequence.evaluate([...bos, ...model.tokenize(prompt, true)], {
    temperature: 0,
  })) {
    tokens.push(token)
    if (tokens.length >= maxTokens) break
  }
  answers.push(model.detokenize(tokens))
}
process.stdout.write(JSON.stringify(answers))
await llama.dispose()
