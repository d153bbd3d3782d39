/** `npm run bench -- NAME [options]`: figures that anyone can print again. */
import { KitError } from '../../catalog/errors.ts'
import { benchEngine } from './engine/bench-engine.ts'
import { benchUp } from './up.ts'

const BENCHES: Record<string, (args: string[]) => Promise<void>> = {
  engine: benchEngine,
  up: benchUp,
}

const [name, ...args] = process.argv.slice(2)
const bench = name === undefined ? undefined : BENCHES[name]
if (!bench) {
  console.error(`bench: expected ${Object.keys(BENCHES).join(', ')}, got ${name ?? 'nothing'}`)
  process.exit(2)
}
await bench(args).catch((error: unknown) => {
  if (!(error instanceof KitError)) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exit(error.exitCode)
})
