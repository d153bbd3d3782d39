import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { EngineOptions } from '../../../server/engine/protocol.ts'
import { startArm } from '../../bench/engine/arms.ts'
import { ensurePeer } from '../../bench/engine/build-peer.ts'
import { startingFlags } from '../../bench/engine/llama-flags.ts'
import { MODELS } from '../../bench/engine/options.ts'
import { withOurKernels } from '../../bench/engine/our-kernels.ts'
import type { Settings } from '../campaign.ts'
import { inParallel } from '../open-engine.ts'

const AnswerSchema = z.object({ content: z.string() })

/**
 * llama-server's own greedy answers, `streams` requests at a time, nothing cached. With `ourKernels` it computes
 * with the library that our engine was compiled with: kernels that round otherwise say nothing about us.
 */
export async function peerAnswers(
  { model, say }: Settings,
  options: EngineOptions,
  task: { prompts: readonly number[][]; maxTokens: number; ourKernels: boolean; streams: number },
): Promise<string[]> {
  const { file, contextSize: context, threads } = options
  const built = await ensurePeer(({ step, state }) => say(`${step}: ${state}`))
  const folder = await mkdtemp(join(tmpdir(), 'serantau-peer-'))
  const peer = task.ourKernels ? await withOurKernels(built, folder) : built
  const { streams: slots } = task
  const setup = { modelId: MODELS[model], file, slots, context, threads, peer }
  const ours = { serving: {}, stateFolder: folder, program: 'none', prebuiltProgram: 'none' }
  try {
    const arm = await startArm('llama-server', { ...setup, ...ours, best: startingFlags(slots) })
    try {
      return await inParallel(task.prompts, slots, (prompt) =>
        complete(arm.port, prompt, task.maxTokens),
      )
    } finally {
      await arm.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function complete(port: number, prompt: readonly number[], maxTokens: number) {
  const response = await fetch(`http://127.0.0.1:${port}/completion`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, n_predict: maxTokens, temperature: 0, cache_prompt: false }),
  })
  if (!response.ok) throw new Error(`llama-server answered ${response.status}`)
  return AnswerSchema.parse(await response.json()).content
}
