/** The only file that loads node-llama-cpp or its native code. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as NodeLlamaCpp from 'node-llama-cpp'
import { addonFolder } from '../../catalog/addon-folder.ts'
import { cpuOf } from '../../catalog/cpu.ts'
import { KitError } from '../../catalog/errors.ts'
import { addonOptions } from './addon-options.ts'
import type { Bindings } from './native.ts'
import type { ChosenAddon, EngineOptions } from './protocol.ts'

const ENGINE_PACKAGE = fileURLToPath(new URL('../../node_modules/node-llama-cpp', import.meta.url))
/** Of the addon: nothing below errors. */
const LOG_ERRORS = 2

export interface LoadedBindings {
  bindings: Bindings
  /** false: the prebuilt addon, whatever was chosen. */
  compiled: boolean
  /** The CPU or accelerators that it runs on. */
  host: string
}

/** What is used of the package. */
export type EnginePackage = Pick<
  typeof NodeLlamaCpp,
  'getLlama' | 'LlamaLogLevel' | 'NoBinaryFoundError'
>

/** Throws KitError ACCELERATOR_MISSING, ENGINE_ADDON_UNUSABLE. `load`: replaced in tests. */
export async function loadBindings(
  options: Pick<EngineOptions, 'gpu' | 'threads'>,
  addon: ChosenAddon,
  load: () => Promise<EnginePackage> = () => import('node-llama-cpp'),
): Promise<LoadedBindings> {
  const direct = addon.compiled && !options.gpu ? await loadCompiled() : undefined
  if (direct !== undefined) return { bindings: direct, compiled: true, host: await hostOf([]) }
  const { getLlama, LlamaLogLevel, NoBinaryFoundError } = await load()
  const llama = await getLlama({
    gpu: options.gpu ? 'auto' : false,
    build: 'never',
    skipDownload: true,
    maxThreads: options.threads,
    logLevel: LlamaLogLevel.error,
    progressLogs: false,
    ...addonOptions(addon.compiled),
  }).catch((error: unknown) => {
    if (error instanceof NoBinaryFoundError) throw notThere(error, options.gpu)
    throw error
  })
  if (options.gpu && llama.gpu === false) throw noAccelerator()
  return {
    bindings: (llama as unknown as { _bindings: Bindings })._bindings,
    compiled: llama.buildType === 'localBuild',
    host: await hostOf(options.gpu ? await llama.getGpuDeviceNames() : []),
  }
}

/**
 * The compiled addon without the package's JavaScript, whose import takes a fifth of a small model's
 * start. Undefined: it cannot be loaded, and the package falls back to the prebuilt one.
 */
async function loadCompiled(): Promise<Bindings | undefined> {
  const folder = join(ENGINE_PACKAGE, addonFolder(process.arch), 'Release')
  try {
    const load = createRequire(import.meta.url)
    const bindings = load(join(folder, 'llama-addon.node')) as Bindings
    bindings.markLoaded()
    bindings.setLoggerLogLevel(LOG_ERRORS)
    bindings.loadBackends()
    // Code for every CPU lies in libraries of its own, of which one is chosen now.
    if ((bindings.getGpuType() ?? undefined) === undefined) bindings.loadBackends(folder)
    await bindings.init()
    return bindings
  } catch {
    return undefined
  }
}

async function hostOf(accelerators: readonly string[]): Promise<string> {
  const { model, features } = cpuOf(await readFile('/proc/cpuinfo', 'utf8').catch(() => ''))
  return [model, process.arch, ...features, ...accelerators].join(' ')
}

/** An image for an accelerator holds nothing that runs without one. */
function notThere(error: Error, gpu: boolean): KitError {
  if (gpu) return noAccelerator(error)
  return new KitError(
    'ENGINE_ADDON_UNUSABLE',
    {
      path: 'config.model.gpu',
      expected: 'an engine for the CPU, as gpu is not set',
      got: 'an image that holds none',
      fix: 'set gpu: true, or take the image that is built without --accelerator',
    },
    { cause: error },
  )
}

const noAccelerator = (cause?: Error) =>
  new KitError(
    'ACCELERATOR_MISSING',
    {
      path: 'resources.accelerator',
      expected: 'an accelerator that the engine can use',
      got: 'none',
      fix: "check the node's driver and the pod's resource request, or the image's variant (cuda, vulkan)",
    },
    { cause },
  )
