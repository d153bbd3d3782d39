import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { ACCELERATOR_IDS } from '../../catalog/accelerator.ts'
import { KitError } from '../../catalog/errors.ts'
import type { Prices } from './plan.ts'

const PricesSchema = z.partialRecord(z.enum(ACCELERATOR_IDS), z.number().min(0))

/** A YAML file of money an hour for one card: `nvidia-l40s: 1.20`. Throws KitError USAGE. */
export async function readPrices(path: string): Promise<Prices> {
  const read = PricesSchema.safeParse(await contentOf(path))
  if (read.success) return read.data
  const [issue] = read.error.issues
  const at = issue?.path.map(String).join('.')
  throw problem(at ? `${path}, ${at}` : path, issue?.message ?? 'something else')
}

async function contentOf(path: string): Promise<unknown> {
  try {
    return parse(await readFile(path, 'utf8'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw problem(path, code ?? message.split('\n')[0] ?? 'no YAML')
  }
}

const problem = (path: string, got: string) =>
  new KitError('USAGE', {
    path,
    expected: 'ids of accelerators with money an hour of one card, e.g. nvidia-l40s: 1.20',
    got,
    fix: 'correct the file; docs/reference/accelerators.md has the ids',
  })
