import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { addonFolder } from '../../catalog/addon-folder.ts'
import { run } from '../../infra/local/command.ts'
import { buildImage, pushImage, type BuiltImage } from '../../infra/local/image.ts'
import type { Report } from '../../infra/progress.ts'
import { TestProject } from '../helpers/project.ts'
import { MemoryRegistry } from '../helpers/registry.ts'

const quiet = () => undefined
/** Some user that the image does not know, as a cluster may choose one. */
const ANY_USER = '123456:0'

interface Manifest {
  config: { digest: string }
  layers: { digest: string }[]
}

/** Runs a program in the image as a pod does: read-only, as a user, nothing of the machine in it. */
const ENTER = `
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/dev"
touch "$1/dev/null"
mount --bind /dev/null "$1/dev/null"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
root=$1 user=$2
shift 2
exec chroot --userspec="$user" "$root" /usr/local/bin/node "$@"
`

describe('the server image', () => {
  let folder: string
  let root: string
  let image: BuiltImage

  const blob = (digest: string) => join(folder, 'layout', 'blobs', 'sha256', digest.slice(7))
  const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'))
  const enter = (...args: string[]) =>
    run('unshare', ['--mount', 'sh', '-c', ENTER, 'enter', root, ANY_USER, ...args])

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'serantau-image-'))
    root = join(folder, 'root')
    image = await buildImage(quiet)
    await mkdir(join(folder, 'layout'))
    await mkdir(root)
    await run('tar', ['-xf', image.archive, '-C', join(folder, 'layout')])
    const { layers } = (await json(blob(image.digest))) as Manifest
    expect(layers).toHaveLength(1)
    await run('tar', ['-xf', blob(layers[0]!.digest), '-C', root])
    await writeFile(join(root, 'app', 'engine.mjs'), PROBE)
    await writeFile(join(root, 'app', 'addon.mjs'), JUDGE)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('is the same, digest for digest, when it is built again from the same checkout', async () => {
    const again = await buildImage(quiet, { folder: join(folder, 'again') })
    expect(again.archive).not.toBe(image.archive)
    expect(again.digest).toBe(image.digest)
  })

  test('is taken from the cache when nothing changed, and made again when the cache is corrupt', async () => {
    const steps: string[] = []
    const report: Report = ({ step, state }) => void (state === 'start' && steps.push(step))
    const cached = { folder: join(folder, 'again') }
    const again = await buildImage(report, cached)
    expect(steps).toEqual([])
    await truncate(again.archive, 1_000_000)
    expect((await buildImage(report, cached)).digest).toBe(image.digest)
    expect(steps).toEqual(['build server image'])
  })

  test('has the digest of its manifest, which pods name it by', async () => {
    const manifest = await readFile(blob(image.digest))
    expect(`sha256:${createHash('sha256').update(manifest).digest('hex')}`).toBe(image.digest)
  })

  test('runs as a numeric user that is not root', async () => {
    const { config } = (await json(blob(image.digest))) as Manifest
    expect(await json(blob(config.digest))).toMatchObject({
      created: '1970-01-01T00:00:00Z',
      config: { User: '65532:65532', Entrypoint: ['node'], WorkingDir: '/app' },
    })
  })

  test('stays below 300 MB', async () => {
    expect((await stat(image.archive)).size).toBeLessThan(300e6)
  })

  test('has no shell, no package manager, nothing setuid and nothing that others may write', async () => {
    const find = async (...what: string[]) =>
      (await run('find', [root, '-xdev', ...what, '-printf', '%P\n'])).trim().split('\n')
    const programs = await find('-path', '*bin/*', '-type', 'f', '!', '-path', '*/node_modules/*')
    expect(programs).toEqual(['usr/local/bin/node'])
    expect(await find('-perm', '/6000')).toEqual([''])
    expect(await find('!', '-type', 'l', '-perm', '/022')).toEqual(['tmp'])
  })

  test('carries JavaScript of ours alone, which Node runs as it stands', async () => {
    const paths = await readdir(join(root, 'app'), { recursive: true })
    const ours = paths.filter((path) => !path.startsWith('node_modules') && /\.[jt]s$/.test(path))
    expect(ours).toContain('server/engine/engine-process.js')
    expect(ours.filter((path) => path.endsWith('.ts'))).toEqual([])
  })

  test('carries the licences of what is in it', async () => {
    const paths = ['usr/share/doc/libc6/copyright', 'app/node_modules/node-llama-cpp/LICENSE']
    for (const path of paths) expect((await stat(join(root, path))).size).toBeGreaterThan(0)
  })

  test('loads the engine as any user on a read-only root, compiling and fetching nothing', async () => {
    expect(JSON.parse(await enter('/app/engine.mjs'))).toEqual({
      user: 123456,
      build: 'localBuild',
      openmp: true,
      write: 'EROFS',
    })
  })

  test('carries the engine for every CPU, and judges it fit for this one', async () => {
    const names = await readdir(join(root, 'app', 'node_modules/node-llama-cpp', RELEASE))
    const cpus = names.filter((name) => name.startsWith('libggml-cpu-'))
    if (process.arch === 'x64') expect(cpus).toContain('libggml-cpu-x64.so')
    expect(cpus.length).toBeGreaterThan(5)
    expect(JSON.parse(await enter('/app/addon.mjs'))).toMatchObject({ kind: 'all-variants' })
  })

  test.each(['server/main.js', 'weights/import-main.js'])('starts %s', async (program) => {
    await expect(enter(`/app/${program}`)).rejects.toThrow(/USAGE: --(config|sha256): expected/)
  })

  test('`image build` prints its digest, and `image push` the line for the stack file', async () => {
    const project = await TestProject.create()
    const registry = new MemoryRegistry()
    try {
      const built = await project.json<BuiltImage>(['image', 'build'])
      expect(built.digest).toBe(image.digest)
      const host = await registry.listen()
      const settings = join(folder, 'registries.conf')
      await writeFile(settings, `[[registry]]\nlocation = "${host}"\ninsecure = true\n`)
      vi.stubEnv('CONTAINERS_REGISTRIES_CONF', settings)
      const { stdout } = await project.succeed(['image', 'push', `${host}/gov/server:1`])
      const [line = '', digest = ''] =
        /^serantau:image: .*@(sha256:[0-9a-f]{64})\n$/.exec(stdout) ?? []
      expect(line).toBe(`serantau:image: ${host}/gov/server@${digest}\n`)
      expect(registry.manifests.has(digest)).toBe(true)
    } finally {
      registry.close()
      vi.unstubAllEnvs()
      await project.remove()
    }
  })

  test('is pushed to a registry under the digest that is returned', async () => {
    const registry = new MemoryRegistry()
    try {
      const host = await registry.listen()
      const settings = join(folder, 'registries.conf')
      await writeFile(settings, `[[registry]]\nlocation = "${host}"\ninsecure = true\n`)
      vi.stubEnv('CONTAINERS_REGISTRIES_CONF', settings)
      const digest = await pushImage(image.archive, `${host}/gov/server:1`, quiet)
      const manifest = JSON.parse(String(registry.manifests.get(digest))) as Manifest
      for (const { digest: part } of [manifest.config, ...manifest.layers]) {
        expect(registry.blobs.has(part)).toBe(true)
      }
    } finally {
      registry.close()
      vi.unstubAllEnvs()
    }
  })

  test('a registry that cannot be reached is an error that names it and the fix', async () => {
    await expect(pushImage(image.archive, '127.0.0.1:9/gov/server', quiet)).rejects.toMatchObject({
      code: 'IMAGE_PUSH_FAILED',
      problems: [{ path: '127.0.0.1:9/gov/server', fix: expect.stringContaining('buildah login') }],
    })
  })
})

const PROBE = `
import { readFileSync, writeFileSync } from 'node:fs'
import { getLlama } from 'node-llama-cpp'
const llama = await getLlama({ gpu: false, build: 'never', progressLogs: false })
let write = 'done'
try { writeFileSync('/app/x', '') } catch (error) { write = error.code }
const openmp = readFileSync('/proc/self/maps', 'utf8').includes('libgomp')
console.log(JSON.stringify({ user: process.getuid(), build: llama.buildType, openmp, write }))
process.exit(0)
`

const RELEASE = join(addonFolder(process.arch), 'Release')
const JUDGE = `
import { chooseAddon } from './server/engine/addon.js'
console.log(JSON.stringify(await chooseAddon()))
`
