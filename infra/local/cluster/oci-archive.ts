import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { arch } from 'node:process'
import { join } from 'node:path'
import { run } from '../command.ts'
import { cacheFolder } from '../paths.ts'

/** An image of one static program, small enough to need no image builder. */
export interface ProgramImage {
  /** Without registry, tag or digest. */
  name: string
  program: string
  /** Before the arguments that a pod gives. */
  args: string[]
}

export interface Archive {
  path: string
  /** `name@sha256:<digest of the manifest>`. */
  reference: string
}

/** As the Go toolchain and OCI write the machine's architecture. */
const ARCHITECTURE = arch === 'x64' ? 'amd64' : arch

/** An OCI archive, kept in the cache by its content; the same program gives the same digest. */
export async function programArchive(image: ProgramImage): Promise<Archive> {
  const folder = join(cacheFolder(), 'images')
  await mkdir(folder, { recursive: true })
  const program = await readFile(image.program)
  const key = sha256(Buffer.concat([program, Buffer.from(JSON.stringify(image.args))]))
  const path = join(folder, `${image.name.replaceAll('/', '_')}-${key}.tar`)
  const known = await readFile(`${path}.digest`, 'utf8').catch(() => undefined)
  if (known !== undefined) return { path, reference: `${image.name}@${known}` }
  const work = await mkdtemp(`${path}.`)
  try {
    const digest = await assemble(work, image)
    await tar(join(work, 'archive.tar'), join(work, 'layout'), [
      'oci-layout',
      'index.json',
      'blobs',
    ])
    await rename(join(work, 'archive.tar'), path)
    await writeFile(`${path}.digest.new`, digest)
    await rename(`${path}.digest.new`, `${path}.digest`)
    return { path, reference: `${image.name}@${digest}` }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function assemble(work: string, image: ProgramImage): Promise<string> {
  const blobs = join(work, 'layout', 'blobs', 'sha256')
  const root = join(work, 'root')
  await Promise.all([mkdir(blobs, { recursive: true }), mkdir(root)])
  await copyFile(image.program, join(root, 'program'))
  await tar(join(work, 'layer.tar'), root, ['program'])
  const layer = await readFile(join(work, 'layer.tar'))
  const store = async (content: Buffer, mediaType: string): Promise<Descriptor> => {
    const digest = sha256(content)
    await writeFile(join(blobs, digest), content)
    return { mediaType, digest: `sha256:${digest}`, size: content.length }
  }
  const oci = 'application/vnd.oci.image'
  const layerDescriptor = await store(layer, `${oci}.layer.v1.tar`)
  const config = await store(
    json({
      architecture: ARCHITECTURE,
      os: 'linux',
      config: { Entrypoint: ['/program', ...image.args], User: '65532:65532', WorkingDir: '/' },
      rootfs: { type: 'layers', diff_ids: [layerDescriptor.digest] },
    }),
    `${oci}.config.v1+json`,
  )
  const mediaType = `${oci}.manifest.v1+json`
  const manifest = await store(
    json({ schemaVersion: 2, mediaType, config, layers: [layerDescriptor] }),
    mediaType,
  )
  const layout = join(work, 'layout')
  await writeFile(join(layout, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }))
  await writeFile(join(layout, 'index.json'), json({ schemaVersion: 2, manifests: [manifest] }))
  return manifest.digest
}

interface Descriptor {
  mediaType: string
  digest: string
  size: number
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex')

/** Same content, same bytes: neither order, time nor owner of the files shows. */
const tar = (archive: string, folder: string, members: string[]): Promise<string> =>
  run('tar', [
    ...['--format=ustar', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'],
    ...['--mode=u=rwX,go=rX', '-cf', archive, '-C', folder, ...members],
  ])
