import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { KitError } from '../../catalog/errors.ts'
import { type Report, asStep } from '../progress.ts'
import { peek, putEntry, verified } from './cache-entry.ts'
import { CommandError, run } from './command.ts'
import { withLock } from './lock.ts'
import { cacheKey, moduleFolder, toolFolder } from './toolchain/cache.ts'
import { fetchOfficial } from './toolchain/fetch.ts'
import { ensureGo } from './toolchain/go.ts'
import { TOOLS, type ToolName, type ToolRow, serves } from './toolchain/table.ts'

export type { ToolName } from './toolchain/table.ts'

export interface FoundTool {
  name: ToolName
  version: string
  state: 'found' | 'cached' | 'missing'
  path?: string
  /** How it came or would come. */
  how: string
}

/** A build by another command is worth waiting for: it takes minutes, and ours would take as long. */
const LOCK_WAIT_MS = 1_800_000

const ensured = new Map<ToolName, Promise<string>>()

/**
 * Absolute path of the tool, which was found on this machine, in the cache, fetched from its makers
 * or built from its Go module. Fails with TOOL_MISSING, TOOL_BUILD_FAILED, DISK_FULL, LOCKED.
 */
export function ensureTool(name: ToolName, report: Report): Promise<string> {
  const known = ensured.get(name)
  if (known) return known
  const work = ensure(name, report)
  ensured.set(name, work)
  work.catch(() => ensured.delete(name))
  return work
}

async function ensure(name: ToolName, report: Report): Promise<string> {
  const installed = await findInstalled(name)
  if (installed) return installed.path
  const entry = await entryOf(name)
  const cached = await verified(entry)
  if (cached !== undefined) return cached
  return withLock(join(toolFolder(name), 'lock'), `tool ${name}`, LOCK_WAIT_MS, async () => {
    const meanwhile = await verified(entry)
    if (meanwhile !== undefined) return meanwhile
    const corrupt = (await peek(entry)) ? '; the one in the cache is corrupt' : ''
    const { about, version } = TOOLS[name]
    return asStep(report, `get ${name}`, `${version}: ${about}${corrupt}`, () =>
      putEntry(entry, (folder) => obtain(name, folder, report)).catch((error: unknown) => {
        throw explain(name, error)
      }),
    )
  })
}

/** What `doctor` tells; starts, fetches and builds nothing. */
export async function findTool(name: ToolName): Promise<FoundTool> {
  const { version, official, about } = TOOLS[name]
  const installed = await findInstalled(name)
  if (installed) return { name, state: 'found', ...installed }
  const cached = await peek(await entryOf(name))
  if (cached) return { name, version, state: 'cached', path: cached.path, how: cached.record.how }
  const way = official ? 'is fetched from its makers or built with Go' : 'is built with Go'
  return { name, version, state: 'missing', how: `${way} by \`npm run up\`: ${about}` }
}

const entryOf = async (name: ToolName): Promise<string> =>
  join(toolFolder(name), await cacheKey(name, TOOLS[name]))

/** One that the user names in the environment (SERANTAU_TOOL_<NAME>) or has installed. */
async function findInstalled(
  name: ToolName,
): Promise<{ path: string; version: string; how: string } | undefined> {
  const row = TOOLS[name]
  const variable = `SERANTAU_TOOL_${name.toUpperCase().replaceAll('-', '_')}`
  const named = process.env[variable]
  if (named) return { path: named, version: await check(row, named), how: `named by ${variable}` }
  for (const folder of row.installed?.folders() ?? []) {
    const path = join(folder, name)
    const there = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    const version = there ? await check(row, path).catch(() => '0') : '0'
    if (serves(version, row.version)) return { path, version, how: `installed in ${folder}` }
  }
  return undefined
}

async function obtain(
  name: ToolName,
  folder: string,
  report: Report,
): Promise<{ file: string; how: 'fetched' | 'built' }> {
  const row = TOOLS[name]
  const official = join(folder, 'official')
  const fetched = await fetchOfficial(row, official)
  if (fetched !== undefined) {
    await check(row, join(official, fetched))
    return { file: join('official', fetched), how: 'fetched' }
  }
  const go = await ensureGo(report)
  report({ step: `get ${name}`, state: 'info', detail: 'building it from its Go module' })
  await build(name, row, go, join(folder, name))
  await check(row, join(folder, name))
  return { file: name, how: 'built' }
}

/** Go keeps what it compiled: a build that was killed goes on where it stopped. */
async function build(name: ToolName, row: ToolRow, go: string, output: string): Promise<void> {
  const ldflags = ['-s', '-w', ...row.ldflags].join(' ')
  const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags', ldflags, '-o', output]
  // The user's own flags and workspace must not change what is built.
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off', GOTOOLCHAIN: 'auto' }
  await run(go, [...args, row.package], { folder: moduleFolder(name), env })
}

/** The version that it prints; fails when it does not run or is something else. */
async function check(row: ToolRow, path: string): Promise<string> {
  const printed = await run(path, row.check.args, { timeoutMs: 30_000, both: true })
  const match = row.check.prints.exec(printed)
  if (!match) throw new Error(`${path} printed ${JSON.stringify(printed.slice(0, 100))}`)
  return match[1] ?? row.version
}

function explain(name: ToolName, error: unknown): unknown {
  if (error instanceof KitError) return error
  const got = (error as Error).message
  const full =
    (error as NodeJS.ErrnoException).code === 'ENOSPC' || /no space left on device/i.test(got)
  const path = `tool ${name}`
  if (full) {
    const fix = 'free some GiB, or set SERANTAU_CACHE to a folder on another disk'
    return new KitError('DISK_FULL', { path, expected: 'space for it', got, fix }, { cause: error })
  }
  const fix =
    error instanceof CommandError
      ? 'read the message above; a closed network needs a Go module proxy (GOPROXY)'
      : 'run the command again; if it fails the same way, report it'
  const expected = 'a build that ends with a working program'
  return new KitError('TOOL_BUILD_FAILED', { path, expected, got, fix }, { cause: error })
}
