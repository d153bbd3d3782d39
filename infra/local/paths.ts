import { homedir } from 'node:os'
import { join } from 'node:path'

/** State that must survive: clusters, Pulumi state, keys. `$SERANTAU_HOME` moves it. */
export const stateFolder = (): string =>
  process.env['SERANTAU_HOME'] ?? join(homedir(), '.local', 'share', 'serantau')

/** Everything that can be fetched or built again: tools, weights, base images. `$SERANTAU_CACHE` moves it. */
export const cacheFolder = (): string =>
  process.env['SERANTAU_CACHE'] ?? join(homedir(), '.cache', 'serantau')

/** Content-addressed weights: `<store>/sha256/<hex>.gguf`. */
export const weightsStore = (): string => join(cacheFolder(), 'weights')
