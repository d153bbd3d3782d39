/**
 * `node server/main.ts --config serving.json --keys keys.json`: one role, as the image runs it. The
 * engine process reads the weights while this one imports what it serves with.
 */
import { readFileSync } from 'node:fs'
import { KitError } from '../catalog/errors.ts'
import type { ModelConfig } from '../catalog/serving-config.ts'
import type { EarlyEngine } from './engine/early-engine.ts'
import { forkEngine } from './engine/fork-engine.ts'
import { leaveMemoryOutOfCoreDumps } from './core-dumps.ts'

async function main(args: string[]): Promise<void> {
  leaveMemoryOutOfCoreDumps()
  const forked = isModelRole(args) ? forkEngine() : undefined
  const { readOptions } = await import('./config.ts')
  const options = readOptions(args)
  const { config } = options
  const early = config.role === 'model' ? await startLoading(config, forked) : undefined
  const { serve } = await import('./serve.ts')
  await serve(options, early)
}

async function startLoading(config: ModelConfig, forked = forkEngine()): Promise<EarlyEngine> {
  const { startEarly } = await import('./engine/early-engine.ts')
  const { engineOptions } = await import('./engine-options.ts')
  const early = startEarly(forked, engineOptions(config))
  // Told before the imports of `serve` keep this thread.
  await early.addon
  return early
}

/** A guess: `readOptions` reads command line and file with all checks, and says what is wrong. */
function isModelRole(args: string[]): boolean {
  try {
    const at = args.findIndex((arg) => arg === '--config' || arg.startsWith('--config='))
    const file = args[at]?.split('=')[1] ?? args[at + 1] ?? ''
    return (JSON.parse(readFileSync(file, 'utf8')) as { role?: unknown }).role === 'model'
  } catch {
    return false
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const known = error instanceof KitError
  process.stderr.write(`${known ? `${error.code}: ` : ''}${(error as Error).message}\n`)
  process.exit(known ? error.exitCode : 1)
})
