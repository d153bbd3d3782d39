import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../infra/local/command.ts'
import { MODELS } from '../bench/engine/options.ts'
import { withOurKernels } from '../bench/engine/our-kernels.ts'
import { weightsOf } from '../helpers/real-role.ts'
import type { Outcome, Settings } from './campaign.ts'
import { type LlamaTools, ensureTools } from './quality/build-tools.ts'
import { type Divergence, type Measured, divergenceOf, worseThan } from './quality/divergence.ts'
import { mixedText } from './quality/texts.ts'

/** Tokens that are read at once; the later half of them is judged. */
const CHUNK = 512
const THREADS = `${availableParallelism()}`
const READING = ['-c', `${CHUNK}`, '-b', `${CHUNK}`, '-t', THREADS]

/**
 * How far quantised weights are from the same weights expanded to 32 bits, with the kernels that
 * llama.cpp brings and with ours: neither are exact, and answers of one are no measure of the other's.
 */
export async function quality({ model, size, say }: Settings): Promise<Outcome> {
  const tools = await ensureTools(({ step, state }) => say(`${step}: ${state}`))
  const file = await weightsOf(MODELS[model])
  // Probabilities of every token of the vocabulary at every position: 134 MB a chunk of gemma.
  const folder = await mkdtemp(join(tmpdir(), 'serantau-quality-'))
  try {
    const base = join(folder, 'probabilities')
    say('32 bits')
    const chunks = await saveExact(tools, { file, base, folder, size })
    const compare = async (name: string, libraries: string): Promise<Divergence> => {
      say(name)
      const args = ['-m', file, '--kl-divergence-base', base, '--kl-divergence', ...READING]
      return divergenceOf(await runTool(tools.perplexity, args, libraries))
    }
    const stock = await compare('kernels as they come', tools.folder)
    const ours = await compare('our kernels', await ourLibraries(tools, folder))
    return outcomeOf(chunks, stock, ours)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Reads the text with exact weights and keeps what they say; returns the chunks that there were. */
async function saveExact(
  tools: LlamaTools,
  { file, base, folder, size }: { file: string; base: string; folder: string; size: number },
): Promise<number> {
  const [exact, text] = [join(folder, 'exact.gguf'), join(folder, 'text.txt')]
  await writeFile(text, mixedText())
  await runTool(tools.quantize, ['--allow-requantize', file, exact, 'F32', THREADS], tools.folder)
  const args = ['-m', exact, '-f', text, '--chunks', `${size}`, '--kl-divergence-base', base]
  const printed = await runTool(tools.perplexity, [...args, ...READING], tools.folder)
  await rm(exact)
  const chunks = /calculating perplexity over (\d+) chunks/.exec(printed)?.[1]
  if (chunks === undefined) throw new Error(`llama-perplexity read nothing: ${printed.slice(-500)}`)
  return Number(chunks)
}

/** Those of the tools, but for the one with the kernels. */
async function ourLibraries(tools: LlamaTools, folder: string): Promise<string> {
  const libraries = join(folder, 'libraries')
  await mkdir(libraries)
  const stock = { server: tools.perplexity, batchedBench: 'none', env: {}, key: 'none' }
  await withOurKernels(stock, libraries)
  return libraries
}

const runTool = (program: string, args: string[], libraries: string): Promise<string> =>
  run(program, args, { both: true, env: { ...process.env, LD_LIBRARY_PATH: libraries } })

function outcomeOf(chunks: number, stock: Divergence, ours: Divergence): Outcome {
  const text = ({ value, error }: Measured) => `${value} ± ${error}`
  return {
    figures: [
      [`chunks of ${CHUNK} tokens, half of each judged`, `${chunks}`],
      ['perplexity of the weights in 32 bits', text(stock.reference)],
      ['perplexity with kernels as they come', text(stock.perplexity)],
      ['perplexity with our kernels', text(ours.perplexity)],
      ['mean KL divergence from 32 bits, kernels as they come', text(stock.mean)],
      ['mean KL divergence from 32 bits, our kernels', text(ours.mean)],
      ['ours / as they come', (ours.mean.value / stock.mean.value).toPrecision(4)],
    ],
    failures: worseThan(stock, ours),
  }
}
