import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { arch } from 'node:process'
import { join } from 'node:path'
import { z } from 'zod'
import { putEntry, verified } from '../cache-entry.ts'
import { run } from '../command.ts'
import { withLock } from '../lock.ts'
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

const LOCK_WAIT_MS = 60_000
const IndexSchema = z.object({ manifests: z.array(z.object({ digest: z.string() })).length(1) })

/** As the Go toolchain and OCI write the machine's architecture. */
const ARCHITECTURE = arch === 'x64' ? 'amd64' : arch

/** An OCI archive, kept in the cache by its content; the same program gives the same digest. */
export async function programArchive(image: ProgramImage): Promise<Archive> {
  const folder = join(cacheFolder(), 'node-images')
  const program = await readFile(image.program)
  const key = sha256(Buffer.concat([program, Buffer.from(JSON.stringify(image))])).slice(0, 16)
  const entry = join(folder, `${image.name.replaceAll('/', '_')}-${key}`)
  const path =
    (await verified(entry)) ??
    (await withLock(join(folder, 'lock'), 'images of the cluster', LOCK_WAIT_MS, async () => {
      return (await verified(entry)) ?? (await putEntry(entry, (work) => pack(work, image)))
    }))
  return { path, reference: `${image.name}@${await archiveDigest(path)}` }
}

async function pack(folder: string, image: ProgramImage): Promise<{ file: string; how: 'built' }> {
  const work = join(folder, 'work')
  await mkdir(work)
  await assemble(work, image)
  const members = ['oci-layout', 'index.json', 'blobs']
  await tar(join(folder, 'image.tar'), join(work, 'layout'), members)
  await rm(work, { recursive: true })
  return { file: 'image.tar', how: 'built' }
}

/** Digest of the one manifest in an OCI archive, `sha256:...`. */
export async function archiveDigest(archive: string): Promise<string> {
  const index = await run('tar', ['-xOf', archive, 'index.json'])
  return IndexSchema.parse(JSON.parse(index)).manifests[0]!.digest
}

async function assemble(work: string, image: ProgramImage): Promise<void> {
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
