import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../command.ts'
import { cacheFolder } from '../paths.ts'
import { processStart } from '../process-table.ts'
import { ensureSystemPackages } from '../system-packages.ts'
import type { Report } from '../../progress.ts'

export interface Buildah {
  run(...args: string[]): Promise<string>
  /** Removed afterwards. */
  workFolder: string
}

/**
 * Gives `work` a buildah with an image store of its own, removed afterwards: nothing that this
 * machine's owner keeps in the usual store is seen or touched.
 */
export async function withBuildah<T>(
  report: Report,
  work: (buildah: Buildah) => Promise<T>,
): Promise<T> {
  await ensureSystemPackages(report, ['buildah'])
  const images = join(cacheFolder(), 'images')
  await mkdir(images, { recursive: true })
  await removeLeftWork(images)
  const workFolder = await mkdtemp(join(images, `work-${process.pid}-`))
  const store = ['--storage-driver', 'vfs', '--root', join(workFolder, 'store')]
  const global = [...store, '--runroot', join(workFolder, 'run')]
  const env = { ...process.env, TMPDIR: workFolder }
  try {
    return await work({
      run: async (...args) => (await run('buildah', [...global, ...args], { env })).trim(),
      workFolder,
    })
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}

/** A killed command leaves its work, some 400 MB. */
async function removeLeftWork(images: string): Promise<void> {
  for (const name of await readdir(images)) {
    const pid = /^work-(\d+)-/.exec(name)?.[1]
    if (pid === undefined || (await processStart(Number(pid)))) continue
    await rm(join(images, name), { recursive: true, force: true })
  }
}

export interface ImageConfig {
  user: string
  folder: string
  entrypoint: string[]
  env: Record<string, string>
  labels: Record<string, string>
}

/** Makes an image whose one layer `fill` writes. The same files give the same archive. */
export async function buildArchive(
  buildah: Buildah,
  archive: string,
  config: ImageConfig,
  fill: (root: string) => Promise<void>,
): Promise<void> {
  const container = await buildah.run('from', 'scratch')
  const root = await buildah.run('mount', container)
  await fill(root)
  await buildah.run('unmount', container)
  await buildah.run(
    ...['config', '--user', config.user, '--workingdir', config.folder],
    ...['--entrypoint', JSON.stringify(config.entrypoint)],
    ...Object.entries(config.env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...Object.entries(config.labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
    container,
  )
  // No time, no builder's version, no history: they would differ from machine to machine.
  const same = ['--timestamp', '0', '--identity-label=false', '--omit-history']
  await buildah.run('commit', '--format', 'oci', ...same, container, `oci-archive:${archive}`)
}

/** Pushes an archive to `registry/name[:tag]` and returns the digest that the registry has. */
export async function pushArchive(
  buildah: Buildah,
  archive: string,
  target: string,
): Promise<string> {
  const id = await buildah.run('pull', '--quiet', `oci-archive:${archive}`)
  const file = join(buildah.workFolder, 'digest')
  await buildah.run(
    'push',
    '--quiet',
    '--retry',
    '1',
    '--digestfile',
    file,
    id,
    `docker://${target}`,
  )
  return (await readFile(file, 'utf8')).trim()
}
