/**
 * node-llama-cpp as its documentation uses it, behind the smallest HTTP server: what people get
 * without an engine of their own. Reads {file, slots, context, threads, port} from the argument.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { getLlama } from 'node-llama-cpp'
import type { LlamaContextSequence, Token } from 'node-llama-cpp'

interface Options {
  file: string
  slots: number
  context: number
  threads: number
  port: number
}

interface Body {
  prompt: Token[]
  max_tokens: number
}

const { file, slots, context, threads, port } = JSON.parse(process.argv[2] ?? '') as Options
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads })
const model = await llama.loadModel({ modelPath: file })
const batched = await model.createContext({ contextSize: context, sequences: slots, threads })
const free = Array.from({ length: slots }, () => batched.getSequence())
const waiting: ((sequence: LlamaContextSequence) => void)[] = []

async function take(): Promise<LlamaContextSequence> {
  return free.shift() ?? new Promise((resolve) => waiting.push(resolve))
}

function give(sequence: LlamaContextSequence): void {
  const next = waiting.shift()
  if (next === undefined) free.unshift(sequence)
  else next(sequence)
}

async function complete(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part as string
  const { prompt, max_tokens: most } = JSON.parse(text) as Body
  const sequence = await take()
  let count = 0
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (data: object) => response.write(`data: ${JSON.stringify(data)}\n\n`)
  try {
    await sequence.clearHistory()
    const options = { temperature: 0, yieldEogToken: true }
    for await (const token of sequence.evaluate(prompt, options)) {
      if (response.destroyed) return
      send({ choices: [{ index: 0, text: model.detokenize([token]) }] })
      if (++count >= most) break
    }
    send({ choices: [], usage: { prompt_tokens: prompt.length, completion_tokens: count } })
    response.end('data: [DONE]\n\n')
  } finally {
    give(sequence)
  }
}

createServer((request, response) => {
  if (request.method === 'GET') response.end('ok')
  else complete(request, response).catch(() => response.destroy())
}).listen(port, '127.0.0.1')
