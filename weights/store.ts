import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { KitError } from '../catalog/errors.ts'

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
/** Work of another host is taken for dead after so long without a change. */
const STALE_MS = 60 * 60 * 1000

export const pathInStore = (store: string, sha256: string) =>
  join(store, 'sha256', `${sha256}.gguf`)

/** Path of the file when the store has it. Its digest was right when it was added. */
export async function findWeights(store: string, sha256: string): Promise<string | undefined> {
  const path = pathInStore(store, sha256)
  return await access(path).then(
    () => path,
    () => undefined,
  )
}

export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer)
  }
  return hash.digest('hex')
}

/** Throws KitError WEIGHTS_CORRUPT, which names both digests, unless the file has this one. */
export async function verifyFile(path: string, sha256: string): Promise<void> {
  const got = await digestOf(path)
  if (got === sha256) return
  throw new KitError('WEIGHTS_CORRUPT', {
    path,
    expected: `SHA-256 ${sha256}`,
    got: got === EMPTY_SHA256 ? `${got}, which is the digest of an empty file` : got,
    fix: 'remove the file and fetch it again; if it fails again, its source has another file',
  })
}

/**
 * Adds a file under its digest. `fill` writes it to the path it is given, in a folder that it may use
 * for its work and that is removed in any case. Nobody ever sees a half or a wrong file.
 */
export async function addToStore(
  store: string,
  sha256: string,
  fill: (path: string) => Promise<void>,
): Promise<string> {
  try {
    await removeDeadWork(store)
    const name = workName(sha256)
    const work = join(store, 'tmp', name)
    underWay.add(name)
    try {
      await mkdir(work, { recursive: true })
      const part = join(work, 'file.gguf')
      await fill(part)
      await verifyFile(part, sha256)
      return await publish(store, sha256, part)
    } finally {
      underWay.delete(name)
      await rm(work, { recursive: true, force: true })
    }
  } catch (error) {
    throw asDiskFull(error, store)
  }
}

async function publish(store: string, sha256: string, part: string): Promise<string> {
  const path = pathInStore(store, sha256)
  await mkdir(dirname(path), { recursive: true })
  await sync(part)
  await rename(part, path)
  await sync(dirname(path))
  return path
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Windows cannot sync a folder, and then needs not.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EPERM' && code !== 'EISDIR' && code !== 'EINVAL') throw error
  } finally {
    await handle.close()
  }
}

/** Digest, host, process and a random part: two may work at once, and a dead one can be told. */
const workName = (sha256: string) =>
  [sha256, hostname(), process.pid, randomBytes(4).toString('hex')].join('+')

/** Removes what a killed run left. */
export async function removeDeadWork(store: string): Promise<void> {
  const folder = join(store, 'tmp')
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    const path = join(folder, name)
    if (await isDead(path, name)) await rm(path, { recursive: true, force: true })
  }
}

/** Work of this process. */
const underWay = new Set<string>()

async function isDead(path: string, name: string): Promise<boolean> {
  const [, host, pid] = name.split('+')
  if (underWay.has(name)) return false
  if (host === hostname() && pid !== undefined) return !isAlive(Number(pid))
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs > STALE_MS
}

function isAlive(pid: number): boolean {
  // A container's processes get the same numbers again: our own number with another's work is dead.
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** ENOSPC and EDQUOT anywhere below, as the error that a person understands. */
function asDiskFull(error: unknown, store: string): unknown {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException
    if (code !== 'ENOSPC' && code !== 'EDQUOT') continue
    return new KitError(
      'DISK_FULL',
      {
        path: store,
        expected: 'room for a file of weights',
        got: `a full disk (${code})`,
        fix: 'free some space, or move the store ($SERANTAU_CACHE)',
      },
      { cause: error },
    )
  }
  return error
}
