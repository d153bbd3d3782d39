import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { KitError, type ErrorCode } from '../../catalog/errors.ts'
import { asStep, type Report } from '../progress.ts'
import { putEntry, verified } from './cache-entry.ts'
import { addonIfPossible, type AddonKind, type BuiltAddon } from './engine-addon.ts'
import { archiveDigest } from './cluster/oci-archive.ts'
import { appFiles, PROJECT } from './image/app-files.ts'
import { basePackages } from './image/base-packages.ts'
import { buildArchive, pushArchive, withBuildah, type ImageConfig } from './image/buildah.ts'
import { CUDA_RUNTIME, cudaRuntime } from './image/cuda-runtime.ts'
import {
  engineBinaries,
  productionProject,
  type Accelerator,
  type LockFile,
  type PackageFile,
} from './image/production-project.ts'
import { fillRoot, IMAGE_USER, RUNTIME_FOLDER, type RootParts } from './image/root-folder.ts'
import { withLock } from './lock.ts'
import { cacheFolder } from './paths.ts'

export interface BuiltImage {
  /** Path of the OCI archive. */
  archive: string
  name: string
  /** Of the manifest, `sha256:<hex>`. */
  digest: string
}

export interface BuildOptions {
  /** Fetch Debian's newest base packages first. */
  refreshBase?: boolean
  /** The CPUs that its engine is compiled for; default: all, because it may run on any node. */
  engine?: AddonKind
  /** Takes the prebuilt engine for it instead of a compiled one. */
  accelerator?: Accelerator
  /** Where built images are kept; default: the cache. */
  folder?: string
}

const NAME = 'serantau.local/server'
/** Raise it when the way of building changes what comes out. */
const RECIPE = 3
const KEEP = 3
const WAIT_MS = 600_000

/** The server image of this checkout; the same inputs give the same digest. Cached by them. */
export async function buildImage(report: Report, options: BuildOptions = {}): Promise<BuiltImage> {
  return explain('IMAGE_BUILD_FAILED', NAME, async () => {
    const entries = options.folder ?? join(cacheFolder(), 'images', 'server')
    await mkdir(entries, { recursive: true })
    const { accelerator, engine = 'all-variants' } = options
    const addon = accelerator === undefined ? await addonIfPossible(report, engine) : undefined
    return withLock(join(entries, 'lock'), 'the server image', WAIT_MS, async () => {
      const parts = await gatherParts(report, options, addon)
      const entry = join(entries, hashOf(parts))
      const archive =
        (await verified(entry)) ??
        (await asStep(report, 'build server image', 'Node, its libraries and this checkout', () =>
          putEntry(entry, (folder) => build(folder, parts, report)),
        ))
      await forgetOld(entries, entry)
      return { archive, name: NAME, digest: await archiveDigest(archive) }
    })
  })
}

/** Pushes the archive to `registry/name[:tag]`; returns the digest to put into the stack file. */
export async function pushImage(archive: string, target: string, report: Report): Promise<string> {
  return explain('IMAGE_PUSH_FAILED', target, () =>
    asStep(report, 'push server image', target, () =>
      withBuildah(report, (buildah) => pushArchive(buildah, archive, target)),
    ),
  )
}

async function gatherParts(
  report: Report,
  { refreshBase, accelerator }: BuildOptions,
  addon: BuiltAddon | undefined,
): Promise<RootParts> {
  const readJson = async <T>(path: string): Promise<T> =>
    JSON.parse(await readFile(join(PROJECT, path), 'utf8')) as T
  const nodePackage = `node_modules/node-linux-${process.arch}`
  return {
    base: await basePackages(report, refreshBase ?? false, accelerator),
    node: join(PROJECT, nodePackage, 'bin', 'node'),
    nodeVersion: (await readJson<{ version: string }>(`${nodePackage}/package.json`)).version,
    project: productionProject(
      await readJson<PackageFile>('package.json'),
      await readJson<LockFile>('package-lock.json'),
      engineBinaries(process.arch, accelerator),
    ),
    addon,
    accelerator,
    runtime: accelerator === 'cuda' ? await cudaRuntime(report) : new Map(),
    files: await appFiles(),
    compiler: (await readJson<{ version: string }>('node_modules/typescript/package.json')).version,
  }
}

function hashOf(parts: RootParts): string {
  const hash = createHash('sha256')
  const add = (value: unknown) => hash.update(`${JSON.stringify(value)}\n`)
  add([RECIPE, process.arch, parts.nodeVersion, parts.compiler, configOf(parts)])
  add(parts.base.map(({ file, sha256 }) => [file, sha256]))
  add(parts.project)
  add(parts.addon?.record)
  add(parts.accelerator === 'cuda' ? CUDA_RUNTIME : [])
  for (const [path, content] of parts.files) {
    add([path, createHash('sha256').update(content).digest('hex')])
  }
  return hash.digest('hex').slice(0, 32)
}

/**
 * The driver's libraries come from the node: its container runtime mounts those of the capabilities
 * that are named here, on some systems into /usr/lib64, where Debian's loader does not look.
 */
const ACCELERATOR_ENV = {
  LD_LIBRARY_PATH: `${RUNTIME_FOLDER}:/usr/lib64`,
  NVIDIA_DRIVER_CAPABILITIES: 'compute,utility,graphics',
}

const configOf = (parts: RootParts): ImageConfig => ({
  user: IMAGE_USER,
  folder: '/app',
  entrypoint: ['node'],
  env: {
    ...{ PATH: '/usr/local/bin', HOME: '/tmp', NODE_ENV: 'production' },
    ...(parts.accelerator === undefined ? {} : ACCELERATOR_ENV),
  },
  labels: {
    'org.opencontainers.image.title': 'serantau-server',
    'org.opencontainers.image.version': parts.project.package.version,
    'org.opencontainers.image.licenses': 'Apache-2.0',
  },
})

async function build(
  folder: string,
  parts: RootParts,
  report: Report,
): Promise<{ file: string; how: 'built' }> {
  const file = 'server.tar'
  await withBuildah(report, (buildah) =>
    buildArchive(buildah, join(folder, file), configOf(parts), (root) => fillRoot(root, parts)),
  )
  return { file, how: 'built' }
}

/** Keeps the images used last: each is 190 MB. Called under the lock, so none is in the making. */
async function forgetOld(entries: string, current: string): Promise<void> {
  const now = new Date()
  await utimes(current, now, now)
  const names = (await readdir(entries)).filter((name) => /^[0-9a-f]{32}$/.test(name))
  const aged = await Promise.all(
    names.map(async (name) => ({ name, used: (await stat(join(entries, name))).mtimeMs })),
  )
  for (const { name } of aged.sort((a, b) => b.used - a.used).slice(KEEP)) {
    await rm(join(entries, name), { recursive: true })
  }
}

async function explain<T>(code: ErrorCode, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof KitError) throw error
    const got = error instanceof Error ? error.message : String(error)
    const full = /no space left on device|ENOSPC/i.test(got)
    throw new KitError(
      full ? 'DISK_FULL' : code,
      full
        ? {
            path: cacheFolder(),
            expected: '1 GiB free',
            got: 'a full disk',
            fix: 'free some space',
          }
        : { path, expected: 'an image', got, fix: FIXES[code] ?? 'see the message' },
      { cause: error },
    )
  }
}

const FIXES: Partial<Record<ErrorCode, string>> = {
  IMAGE_BUILD_FAILED:
    'check that npm and apt reach their registries, then run the command again; or build server/Dockerfile',
  IMAGE_PUSH_FAILED:
    'check the name and log in with `buildah login REGISTRY`, or push the archive with your own tool',
}
