import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KitError } from '../../catalog/errors.ts'
import { ensureWeights } from '../../weights/fetch.ts'
import { addToStore, findWeights, pathInStore, verifyFile } from '../../weights/store.ts'
import { ggufFile } from '../helpers/small-gguf.ts'
import { CHAT } from '../helpers/small-models.ts'

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')
const GGUF = ggufFile(CHAT)
const DIGEST = sha256(GGUF)
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

let store: string
beforeEach(() => {
  store = mkdtempSync(join(tmpdir(), 'serantau-store-'))
})
afterEach(() => rmSync(store, { recursive: true, force: true }))

const fillWith = (data: Buffer) => async (path: string) => writeFileSync(path, data)
const left = () => (existsSync(join(store, 'tmp')) ? readdirSync(join(store, 'tmp')) : [])

describe('adding', () => {
  test('a right file lies under its digest, and nothing else is left', async () => {
    const path = await addToStore(store, DIGEST, fillWith(GGUF))
    expect(path).toBe(join(store, 'sha256', `${DIGEST}.gguf`))
    expect(readFileSync(path)).toEqual(GGUF)
    expect(await findWeights(store, DIGEST)).toBe(path)
    expect(left()).toEqual([])
  })

  test('a wrong file is refused with both digests and never found', async () => {
    const adding = addToStore(store, DIGEST, fillWith(Buffer.from('other')))
    await expect(adding).rejects.toMatchObject({ code: 'WEIGHTS_CORRUPT' })
    await expect(adding).rejects.toThrow(DIGEST)
    await expect(adding).rejects.toThrow(sha256(Buffer.from('other')))
    expect(await findWeights(store, DIGEST)).toBeUndefined()
    expect(left()).toEqual([])
  })

  test('an empty file is called by its name', async () => {
    const adding = addToStore(store, DIGEST, fillWith(Buffer.alloc(0)))
    await expect(adding).rejects.toThrow(`${EMPTY}, which is the digest of an empty file`)
  })

  test('a full disk is DISK_FULL, also deep in the cause', async () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' })
    for (const error of [full, new Error('outer', { cause: full })]) {
      const adding = addToStore(store, DIGEST, () => Promise.reject(error))
      await expect(adding).rejects.toMatchObject({ code: 'DISK_FULL', exitCode: 3 })
    }
    expect(left()).toEqual([])
  })

  test('what a killed run left is removed, what another one works on is not', async () => {
    const work = (host: string, pid: number, days = 0) => {
      const path = join(store, 'tmp', `${DIGEST}+${host}+${pid}+00`)
      mkdirSync(path, { recursive: true })
      writeFileSync(join(path, 'file.gguf'), 'half')
      const when = Date.now() / 1000 - days * 86_400
      utimesSync(path, when, when)
      return path
    }
    const dead = [work(hostname(), 2 ** 22 + 1), work(hostname(), process.pid), work('gone', 7, 2)]
    const alive = [work(hostname(), process.ppid), work('elsewhere', 7)]
    await addToStore(store, DIGEST, fillWith(GGUF))
    expect(dead.filter(existsSync)).toEqual([])
    expect(alive.filter(existsSync)).toEqual(alive)
  })

  test('two at once end with one right file', async () => {
    const slow = async (path: string) => {
      writeFileSync(path, GGUF.subarray(0, 10))
      await new Promise((resolve) => setTimeout(resolve, 50))
      writeFileSync(path, GGUF)
    }
    const both = await Promise.all([1, 2].map(() => addToStore(store, DIGEST, slow)))
    expect(both).toEqual([pathInStore(store, DIGEST), pathInStore(store, DIGEST)])
    await verifyFile(both[0]!, DIGEST)
  })
})

describe('ensuring', () => {
  const wanted = { sha256: DIGEST, bytes: GGUF.length, sources: [] }
  const unreachable = {
    ...wanted,
    sources: [{ kind: 'https' as const, url: 'https://ok.example@127.0.0.1:1/file' }],
  }

  test('a file that is there is verified and asks no source', async () => {
    await addToStore(store, DIGEST, fillWith(GGUF))
    expect(await ensureWeights(wanted, store, () => undefined)).toBe(pathInStore(store, DIGEST))
  })

  test('a corrupt file of the store is removed, said, and never returned', async () => {
    const path = await addToStore(store, DIGEST, fillWith(GGUF))
    writeFileSync(path, Buffer.concat([GGUF.subarray(0, -1), Buffer.from([1])]))
    const said: string[] = []
    const ensuring = ensureWeights(wanted, store, (detail) => said.push(detail))
    await expect(ensuring).rejects.toMatchObject({ code: 'WEIGHTS_UNAVAILABLE' })
    expect(existsSync(path)).toBe(false)
    expect(said.join()).toContain('removed')
  })

  test('when every source fails the error names each with its cause', async () => {
    const error = await ensureWeights(unreachable, store, () => undefined).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(KitError)
    expect(error).toMatchObject({ code: 'WEIGHTS_UNAVAILABLE' })
    expect((error as Error).message).toMatch(/ECONNREFUSED/)
  }, 30_000)
})
