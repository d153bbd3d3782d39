import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withLock } from '../../../infra/local/lock.ts'
import { processStart } from '../../../infra/local/process-table.ts'

describe('a lock', () => {
  let folder = ''
  let lock = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'serantau-lock-'))
    lock = join(folder, 'lock')
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('lets one work after the other, never two at once', async () => {
    let inside = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside)
      await sleep(5)
      inside--
    }
    await Promise.all(Array.from({ length: 5 }, () => withLock(lock, 'it', 10_000, work)))
    expect(most).toBe(1)
    expect(existsSync(lock)).toBe(false)
  })

  it('is free again after work that failed', async () => {
    const failing = withLock(lock, 'it', 0, () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(await withLock(lock, 'it', 0, () => Promise.resolve('yes'))).toBe('yes')
  })

  it('fails with LOCKED while another process that lives holds it', async () => {
    const start = (await processStart(process.ppid))!
    await writeFile(lock, JSON.stringify({ pid: process.ppid, start }))
    await expect(withLock(lock, 'cluster x', 0, () => Promise.resolve())).rejects.toMatchObject({
      code: 'LOCKED',
      problems: [{ got: `process ${process.ppid} works on it` }],
    })
    expect(existsSync(lock)).toBe(true)
  })

  it('is taken over from a process that was killed', async () => {
    const child = spawn('sleep', ['60'])
    const owner = { pid: child.pid!, start: (await processStart(child.pid!))! }
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    await writeFile(lock, JSON.stringify(owner))
    expect(await withLock(lock, 'it', 0, () => Promise.resolve('mine'))).toBe('mine')
  })

  it('is taken over when its pid now belongs to another process', async () => {
    await writeFile(lock, JSON.stringify({ pid: process.ppid, start: 'another boot:1' }))
    expect(await withLock(lock, 'it', 0, () => Promise.resolve('mine'))).toBe('mine')
  })

  it('is taken over when a crash left no whole file', async () => {
    await writeFile(lock, '{"pid":')
    expect(await withLock(lock, 'it', 0, () => Promise.resolve('mine'))).toBe('mine')
  })
})

describe('identity of a process', () => {
  it('stays the same while it lives and is none once it ended', async () => {
    const child = spawn('sleep', ['60'])
    const first = await processStart(child.pid!)
    expect(first).toMatch(/^[0-9a-f-]{36}:\d+$/)
    expect(await processStart(child.pid!)).toBe(first)
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    expect(await processStart(child.pid!)).toBeUndefined()
  })
})
