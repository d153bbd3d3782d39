import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Report } from '../../progress.ts'
import { asStep } from '../../progress.ts'
import { run } from '../command.ts'
import { cacheFolder } from '../paths.ts'
import type { Accelerator } from './production-project.ts'

/** The C, C++ and OpenMP runtime that Node and the engine link to: all that comes from Debian. */
const PACKAGES = ['libc6', 'libgcc-s1', 'libgomp1', 'libstdc++6']
const OWN: Record<Accelerator, readonly string[]> = { cuda: [], vulkan: ['libvulkan1'] }

export interface BasePackage {
  path: string
  file: string
  sha256: string
}

/**
 * The base's .deb files, which apt checks against Debian's signatures. They are fetched once and
 * kept, so that the image changes when someone asks for newer ones and not by itself.
 */
export async function basePackages(
  report: Report,
  refresh: boolean,
  accelerator?: Accelerator,
): Promise<BasePackage[]> {
  const names = [...PACKAGES, ...(accelerator === undefined ? [] : OWN[accelerator])]
  const folder = join(cacheFolder(), 'images', `base-${names.join('-')}`)
  if (refresh || !existsSync(folder)) {
    await asStep(report, 'fetch image base', `${names.join(', ')} from Debian`, () =>
      download(folder, names),
    )
  }
  const files = (await readdir(folder)).filter((file) => file.endsWith('.deb')).sort()
  return Promise.all(
    files.map(async (file) => {
      const path = join(folder, file)
      const sha256 = createHash('sha256')
        .update(await readFile(path))
        .digest('hex')
      return { path, file, sha256 }
    }),
  )
}

async function download(folder: string, names: readonly string[]): Promise<void> {
  await mkdir(dirname(folder), { recursive: true })
  const work = await mkdtemp(`${folder}.`)
  try {
    const get = () =>
      run('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', ...names], { folder: work })
    // A machine whose package lists are missing or old finds no such file.
    await get().catch(async () => {
      await run('apt-get', ['update'])
      await get()
    })
    await rm(folder, { recursive: true, force: true })
    await rename(work, folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
