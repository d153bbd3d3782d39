import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { BASE_MODELS } from '../../../catalog/models/index.ts'
import type { Bench } from './bench.ts'
import { MODELS } from './options.ts'
import { plot } from './plot.ts'
import { page } from './report.ts'
import { committedOf, keepResults, resultsOf } from './results.ts'
import { WORKLOADS } from './workloads/index.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const PATCHES = join(ROOT, 'server', 'engine', 'patches')
const INFO = join(ROOT, 'node_modules', 'node-llama-cpp', 'llama', 'llama.cpp.info.json')
const InfoSchema = z.object({ tag: z.string() })

/** The page, its plot and every value beside it, under docs/reference/. */
export async function writePage({ results, setup, options, machine }: Bench): Promise<void> {
  const titles = Object.fromEntries(
    Object.entries(WORKLOADS).map(([name, { title }]) => [name, title]),
  )
  const model = BASE_MODELS[MODELS[options.model]]?.name ?? ''
  const file = `bench-engine${options.model === 'gemma' ? '' : `-${options.model}`}`
  const head = {
    ...{ model, threads: setup.threads, file },
    fileMiB: (await stat(setup.file)).size / 2 ** 20,
    llamaCpp: InfoSchema.parse(JSON.parse(await readFile(INFO, 'utf8'))).tag,
    patches: await patchNames(PATCHES),
  }
  const base = join(ROOT, 'docs', 'reference', file)
  const kept = await keepResults(`${base}.json`, machine.name, committedOf(results))
  await writeFile(`${base}.md`, page(kept, titles, head))
  await writeFile(`${base}.svg`, plot(resultsOf(kept), `${model}: tokens a second, 64 in, 64 out`))
}

export async function patchNames(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  return names
    .filter((name) => name.endsWith('.diff'))
    .map((name) => name.slice(0, -5))
    .sort()
}
