import { chmod, copyFile, mkdir, readdir, rm, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run } from '../command.ts'
import type { BuiltAddon } from '../engine-addon.ts'
import { NO_DISTRIBUTION, placeAddon } from '../engine-addon/place.ts'
import type { BasePackage } from './base-packages.ts'
import type { Accelerator, ProductionProject } from './production-project.ts'

/** Numeric, so that Kubernetes can prove that it is not root. The pod may run under any other. */
export const IMAGE_USER = '65532:65532'

/** Of the accelerator's libraries, in the image. */
export const RUNTIME_FOLDER = '/usr/local/lib/accelerator'

export interface RootParts {
  base: readonly BasePackage[]
  /** Path of the Node binary. */
  node: string
  nodeVersion: string
  project: ProductionProject
  /** The compiled engine; undefined: the image has the prebuilt one alone. */
  addon: BuiltAddon | undefined
  accelerator: Accelerator | undefined
  /** Name and path of each file of its runtime. */
  runtime: ReadonlyMap<string, string>
  /** TypeScript, by path. */
  files: ReadonlyMap<string, Buffer>
  /** Version of TypeScript, which makes JavaScript of them. */
  compiler: string
  /** Where the npm that runs now keeps its packages is its own matter. */
  env?: NodeJS.ProcessEnv
}

/** Fills `root` with the image's file system: no shell, no package manager, nothing writable. */
export async function fillRoot(root: string, parts: RootParts): Promise<void> {
  await addBase(root, parts.base)
  await addFile(root, 'usr/local/bin/node', parts.node)
  await chmod(join(root, 'usr/local/bin/node'), 0o755)
  for (const [name, path] of parts.runtime) await addFile(root, join(RUNTIME_FOLDER, name), path)
  await addApp(root, parts)
  // Whoever built it, with whatever umask: readable for every user, writable for none but root.
  await run('chmod', ['-R', 'u=rwX,go=rX', root])
  await mkdir(join(root, 'tmp'))
  await chmod(join(root, 'tmp'), 0o1777)
}

const ETC: Record<string, string> = {
  'etc/passwd':
    'root:x:0:0:root:/:/sbin/nologin\nserantau:x:65532:65532:serantau:/tmp:/sbin/nologin\n',
  'etc/group': 'root:x:0:\nserantau:x:65532:\n',
  // Without it glibc asks DNS before /etc/hosts.
  'etc/nsswitch.conf': 'hosts: files dns\n',
}

async function addBase(root: string, packages: readonly BasePackage[]): Promise<void> {
  for (const { path } of packages) await run('dpkg-deb', ['--extract', path, root])
  // Character set converters and documentation, but the licences stay.
  for (const folder of await findFolders(root, 'gconv')) await rm(folder, { recursive: true })
  for (const part of ['lintian', 'gcc', 'gdb', 'man', 'locale']) {
    await rm(join(root, 'usr/share', part), { recursive: true, force: true })
  }
  for (const [path, text] of Object.entries(ETC)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  for (const folder of ['proc', 'sys', 'dev', 'weights', 'etc/serantau']) {
    await mkdir(join(root, folder), { recursive: true })
  }
}

async function addApp(root: string, parts: RootParts): Promise<void> {
  const app = join(root, 'app')
  await mkdir(app, { recursive: true })
  await writeFile(join(app, 'package.json'), `${JSON.stringify(parts.project.package, null, 2)}\n`)
  const lock = join(app, 'package-lock.json')
  await writeFile(lock, JSON.stringify(parts.project.lock))
  await run(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-bin-links', '--prefer-offline'],
    { folder: app, env: parts.env ?? process.env, timeoutMs: 600_000 },
  )
  await unlink(lock)
  await pruneModules(join(app, 'node_modules'))
  if (parts.addon !== undefined) {
    const where = { ...parts.addon, arch: process.arch, distribution: NO_DISTRIBUTION }
    await placeAddon(parts.addon.folder, join(app, 'node_modules/node-llama-cpp'), where)
  }
  // Loaded here: most commands find the image built.
  const { toJavaScript } = await import('./javascript.ts')
  for (const [path, content] of toJavaScript(parts.files)) {
    await mkdir(dirname(join(app, path)), { recursive: true })
    await writeFile(join(app, path), content)
  }
}

/** Takes out what only compiling and reading need. Licences stay. */
async function pruneModules(modules: string): Promise<void> {
  await rm(join(modules, '.package-lock.json'), { force: true })
  // 35 MB: the engine's own source as a Git bundle.
  await rm(join(modules, 'node-llama-cpp/llama/gitRelease.bundle'), { force: true })
  const entries = await readdir(modules, { recursive: true, withFileTypes: true })
  const needless = entries.filter(
    (entry) =>
      entry.isFile() &&
      /\.(map|md|markdown|d\.[cm]?ts)$/.test(entry.name) &&
      !/^(licen[cs]e|copying|notice)/i.test(entry.name),
  )
  await Promise.all(needless.map((entry) => unlink(join(entry.parentPath, entry.name))))
}

async function addFile(root: string, path: string, from: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await copyFile(from, join(root, path))
}

async function findFolders(root: string, name: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory() && entry.name === name)
    .map((entry) => join(entry.parentPath, entry.name))
}
