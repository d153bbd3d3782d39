/**
 * What a pod runs before the model server: brings one verified file of weights. One JSON line on
 * stdout when it is there; otherwise the reason on stderr and the exit code of the error.
 */
import { stat } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { KitError } from '../catalog/errors.ts'
import { HttpsSourceSchema, Sha256Schema } from '../catalog/base-model.ts'
import { ensureWeights } from './fetch.ts'
import { readModelFile } from './gguf/model-file.ts'
import { verifyFile } from './store.ts'

const USAGE =
  'node weights/import-main.ts --sha256 <hex> --bytes <n> --store <folder> ' +
  '[--url https://... | --file <path>]'

type Arguments = { sha256: string; bytes: number; store: string; url?: string; file?: string }

async function main(): Promise<void> {
  const { sha256, bytes, store, url, file } = readArguments(process.argv.slice(2))
  const report = (detail: string) => process.stderr.write(`${detail}\n`)
  let path = file
  if (path === undefined) {
    const sources = url === undefined ? [] : [{ kind: 'https' as const, url }]
    path = await ensureWeights({ sha256, bytes, sources }, store, report)
  } else {
    await verifyInPlace(path, sha256, bytes)
  }
  process.stdout.write(`${JSON.stringify({ path, sha256, bytes })}\n`)
}

async function verifyInPlace(path: string, sha256: string, bytes: number): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() !== true) {
    const fix = 'check the claim and the path in the stack file (weights)'
    throw new KitError('WEIGHTS_UNAVAILABLE', { path, expected: 'a file', got: 'none', fix })
  }
  if (found.size !== bytes) {
    throw new KitError('WEIGHTS_CORRUPT', {
      path,
      expected: `${bytes} bytes with SHA-256 ${sha256}`,
      got: `${found.size} bytes`,
      fix: 'copy the file again',
    })
  }
  await verifyFile(path, sha256)
  readModelFile(path)
}

function readArguments(args: string[]): Arguments {
  const values = parseCommandLine(args)
  const bytes = Number(values.bytes)
  const wrong = (path: string, expected: string, got: string | undefined) =>
    new KitError('USAGE', { path, expected, got: got ?? 'nothing', fix: `use: ${USAGE}` })
  if (!Sha256Schema.safeParse(values.sha256).success) {
    throw wrong('--sha256', '64 lower-case hex characters', values.sha256)
  }
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw wrong('--bytes', 'a positive whole number', values.bytes)
  }
  if (values.store === undefined) throw wrong('--store', 'a folder', undefined)
  if (values.url !== undefined && values.file !== undefined) {
    throw wrong('--url', 'one of --url and --file', 'both')
  }
  if (values.url !== undefined && !isHttps(values.url)) {
    throw wrong('--url', 'an https URL', values.url)
  }
  return { ...values, bytes } as Arguments
}

const isHttps = (url: string) => HttpsSourceSchema.safeParse({ kind: 'https', url }).success

function parseCommandLine(args: string[]) {
  const text = { type: 'string' } as const
  try {
    const options = { sha256: text, bytes: text, store: text, url: text, file: text }
    return parseArgs({ args, options }).values
  } catch (error) {
    const got = (error as Error).message
    throw new KitError('USAGE', { path: 'command line', expected: USAGE, got, fix: 'correct it' })
  }
}

main().catch((error: unknown) => {
  const known = error instanceof KitError
  process.stderr.write(`${known ? `${error.code}: ` : ''}${(error as Error).message}\n`)
  process.exit(known ? error.exitCode : 1)
})
