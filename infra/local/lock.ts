import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { KitError } from '../../catalog/errors.ts'
import { processStart } from './process-table.ts'

/** A pid alone may belong to another process after a kill or a reboot; with its start time it cannot. */
const OwnerSchema = z.strictObject({ pid: z.int().positive(), start: z.string() })
type Owner = z.infer<typeof OwnerSchema>

const POLL_MS = 100

/**
 * Runs `work` while the file `path` says that this process does. A lock whose owner is gone (killed,
 * machine restarted) is taken over. Fails with LOCKED when another process holds it for `waitMs`.
 */
export async function withLock<T>(
  path: string,
  what: string,
  waitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const deadline = Date.now() + waitMs
  for (;;) {
    if (await acquire(path)) break
    const owner = await liveOwner(path)
    if (owner && Date.now() >= deadline) throw locked(path, what, owner)
    if (owner) await sleep(POLL_MS)
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

/** `link` fails when the lock is there, and shows it only when whole. */
async function acquire(path: string): Promise<boolean> {
  const owner: Owner = { pid: process.pid, start: (await processStart(process.pid)) ?? 'unknown' }
  const own = `${path}.${randomUUID()}`
  await writeFile(own, JSON.stringify(owner), { mode: 0o600 })
  try {
    await link(own, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    await rm(own, { force: true })
  }
}

/** The owner, if it lives; a dead one's lock is removed. */
async function liveOwner(path: string): Promise<Owner | undefined> {
  const content = await readFile(path, 'utf8').catch(() => undefined)
  if (content === undefined) return undefined
  const owner = parseOwner(content)
  if (owner && (await processStart(owner.pid)) === owner.start) return owner
  await removeDead(path, content)
  return undefined
}

/** Of two that find the same dead lock, the slower must not remove the new lock of the faster. */
async function removeDead(path: string, content: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
    if ((await readFile(aside, 'utf8')) !== content) await link(aside, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error
  } finally {
    await rm(aside, { force: true })
  }
}

function parseOwner(content: string): Owner | undefined {
  try {
    return OwnerSchema.parse(JSON.parse(content))
  } catch {
    return undefined
  }
}

function locked(path: string, what: string, owner: Owner): KitError {
  return new KitError('LOCKED', {
    path,
    expected: `no other command that works on ${what}`,
    got: `process ${owner.pid} works on it`,
    fix: 'wait until it has ended, then run the command again',
  })
}
