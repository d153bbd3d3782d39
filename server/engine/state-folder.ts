/** The folders that saved keys and values lie in, and why one cannot be used. */
import { constants } from 'node:fs'
import { access, lstat, mkdir, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** What native code does with the keys and values of one slot. Paths are absolute. */
export interface StateFiles {
  /** Writes what `slot` holds; returns the file's bytes. The slot must not change meanwhile. */
  save(slot: number, path: string): Promise<number>
  /** Replaces what `slot` holds; returns the tokens read. */
  load(slot: number, path: string): Promise<number>
  /** No error when there is no such file. */
  remove(path: string): Promise<void>
}

export type FolderCause =
  'folder_missing' | 'folder_full' | 'folder_read_only' | 'not_in_memory' | 'not_private' | 'failed'

/** Carries no path and no message of the system: it goes into the log as it stands. */
export class FolderError extends Error {
  override readonly name = 'FolderError'
  override readonly cause: FolderCause

  constructor(cause: FolderCause) {
    super(cause)
    this.cause = cause
  }
}

const CAUSES: Record<string, FolderCause> = {
  ENOENT: 'folder_missing',
  ENOTDIR: 'folder_missing',
  ENOSPC: 'folder_full',
  EDQUOT: 'folder_full',
  EROFS: 'folder_read_only',
  EACCES: 'folder_read_only',
  EPERM: 'folder_read_only',
}

/** Less than this left is full: native code that ran out of room wrote up to the last block. */
const NO_ROOM_BYTES = 1024 * 1024

/**
 * Native code says only that it failed: then the folder itself is asked. Call it before what was
 * written in part is removed.
 */
export async function folderCause(error: unknown, folder: string): Promise<FolderCause> {
  if (error instanceof FolderError) return error.cause
  const known = CAUSES[codeOf(error)]
  if (known !== undefined) return known
  try {
    await access(folder, constants.W_OK)
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize < NO_ROOM_BYTES ? 'folder_full' : 'failed'
  } catch (reason) {
    return CAUSES[codeOf(reason)] ?? 'failed'
  }
}

const codeOf = (error: unknown) => (error as { code?: string } | undefined)?.code ?? ''

/** The file systems that keep files in memory alone: Linux's tmpfs and ramfs. */
const IN_MEMORY = new Set([0x01021994, 0x858458f6])

/** Throws FolderError `not_in_memory`: users' text must never reach a disk. Follows links. */
export async function requireMemory(folder: string, ask = statfs): Promise<void> {
  const { type } = await ask(folder)
  // Some systems hand the number over as a negative one.
  if (!IN_MEMORY.has(type >>> 0)) throw new FolderError('not_in_memory')
}

/** A folder inside `parent` that nobody else may read, whoever may write to `parent`. */
export async function privateFolder(parent: string, name: string): Promise<string> {
  const folder = join(parent, name)
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
  const { uid, mode } = await lstat(folder)
  const ours = uid === process.getuid?.() && (mode & 0o170077) === 0o040000
  if (!ours) throw new FolderError('not_private')
  return folder
}

/** Removes the files of `folder` whose names match; nothing else, and no folder. */
export async function removeFiles(folder: string, names: RegExp): Promise<void> {
  const found = await readdir(folder)
  for (const name of found) if (names.test(name)) await rm(join(folder, name), { force: true })
}

/**
 * Native code writes through a buffer whose last part may fail unseen when the file is closed.
 * Throws FolderError `folder_full` when less lies there than was written.
 */
export async function requireSize(path: string, bytes: number): Promise<void> {
  const { size } = await stat(path)
  if (size !== bytes) throw new FolderError('folder_full')
}
