/**
 * Preloaded into a command: stands where the engine is built. SIMULATED_BUILD says what becomes of it:
 * the code of a KitError, `broken` for any other error; unset: it is built.
 */
import { registerHooks } from 'node:module'
import { ERROR_CODES, KitError } from '../../catalog/errors.ts'
import type { ErrorCode } from '../../catalog/errors.ts'
import type { installAddon as realInstallAddon } from '../../infra/local/engine-addon.ts'
import { asStep } from '../../infra/progress.ts'

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context)
    const replaced = found.url.endsWith('/infra/local/engine-addon.ts')
    return replaced ? { ...found, url: import.meta.url } : found
  },
})

export const installAddon: typeof realInstallAddon = async (report, kind, options) => {
  await asStep(report, 'build engine', kind, fate)
  const patches = options?.patches === false ? [] : ['0001-a.diff 123456789abc', '0002-b.diff cba']
  const cpu = kind === 'native' ? { cpu: { model: 'AMD EPYC', features: ['avx2'] } } : {}
  const record = { engine: '3.22.1', key: 'k', ...cpu, patches, files: {} }
  return { folder: '/cache/addon', record, kind, release: 'v1', placed: '/engine/Release' }
}

/** What images need of it. */
export function addonIfPossible(): never {
  throw new Error('no image is built here')
}

async function fate(): Promise<void> {
  const wanted = process.env['SIMULATED_BUILD'] ?? ''
  if (wanted === 'broken') throw new Error('nobody foresaw it')
  if (!Object.hasOwn(ERROR_CODES, wanted)) return
  const problem = { path: 'the engine', expected: 'a build', got: 'none', fix: 'try again' }
  throw new KitError(wanted as ErrorCode, problem)
}
