import { parseArgs } from 'node:util'
import { KitError } from '../../catalog/errors.ts'
import { type ModelName, MODELS } from '../bench/engine/options.ts'
import { CAMPAIGNS } from './campaigns.ts'

interface Options {
  name: string
  size: number
  model: ModelName
  /** Keeps the result under docs/reference/. */
  write: boolean
}

const USAGE =
  `npm run campaign -- ${Object.keys(CAMPAIGNS).join('|')} ` +
  '[--size N] [--model gemma|smollm2] [--write]'

/** The command line; throws KitError USAGE. */
export function readOptions(args: string[]): Options {
  const { values, positionals } = parse(args)
  const [name = 'nothing', ...more] = positionals
  const campaign = CAMPAIGNS[name]
  if (campaign === undefined || more.length > 0) {
    throw usage('campaign', Object.keys(CAMPAIGNS).join(', '), positionals.join(' ') || name)
  }
  const size = values.size ?? `${campaign.size}`
  if (!/^[1-9]\d*$/.test(size)) throw usage('--size', 'a whole number above 0', size)
  const model = (Object.keys(MODELS) as ModelName[]).find(
    (known) => known === (values.model ?? campaign.model),
  )
  if (model === undefined) throw usage('--model', Object.keys(MODELS).join(', '), values.model!)
  return { name, size: Number(size), model, write: values.write }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        size: { type: 'string' },
        model: { type: 'string' },
        write: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw usage('command line', 'known options', (error as Error).message)
  }
}

const usage = (path: string, expected: string, got: string) =>
  new KitError('USAGE', { path, expected, got, fix: `use: ${USAGE}` })
