import { join } from 'node:path'
import type { Report } from '../../../infra/progress.ts'
import { ensurePrograms } from '../../bench/engine/build-peer.ts'

export interface LlamaTools {
  perplexity: string
  quantize: string
  /** Of both, with their libraries. */
  folder: string
}

/** Found in the cache, or built. Fails with TOOL_MISSING, TOOL_BUILD_FAILED. */
export async function ensureTools(report: Report): Promise<LlamaTools> {
  const programs = ['llama-perplexity', 'llama-quantize'] as const
  const { folder } = await ensurePrograms('llama-tools', programs, report)
  const [perplexity, quantize] = programs.map((name) => join(folder, name)) as [string, string]
  return { perplexity, quantize, folder }
}
