/**
 * `node server/main.ts --config serving.json --keys keys.json`: one role, as the image runs it. The
 * engine process takes about as long to start as this one takes to import what it needs: both at once.
 */
import { readFileSync } from 'node:fs'
import { forkEngine } from './engine/fork-engine.ts'

const args = process.argv.slice(2)
const forked = isModelRole() ? forkEngine() : undefined
const { fail, serve } = await import('./serve.ts')
serve(args, forked).catch(fail)

/** A guess: `serve` reads the command line and the file with all checks, and says what is wrong. */
function isModelRole(): boolean {
  try {
    const at = args.findIndex((arg) => arg === '--config' || arg.startsWith('--config='))
    const file = args[at]?.split('=')[1] ?? args[at + 1] ?? ''
    return (JSON.parse(readFileSync(file, 'utf8')) as { role?: unknown }).role === 'model'
  } catch {
    return false
  }
}
