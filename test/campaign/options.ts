import { parseArgs } from 'node:util'
import { KitError } from '../../catalog/errors.ts'
import { type ModelName, MODELS } from '../bench/engine/options.ts'
import type { Campaign } from './campaign.ts'
import { CAMPAIGNS } from './campaigns.ts'

interface Options {
  name: string
  size: number
  /** undefined: the campaign is about none. */
  model: ModelName | undefined
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
  const model = modelOf(campaign, values.model)
  return { name, size: Number(size), model, write: values.write }
}

function modelOf(campaign: Campaign, wanted: string | undefined): ModelName | undefined {
  if (campaign.model === undefined) {
    if (wanted !== undefined) throw usage('--model', 'none, as it is about no model', wanted)
    return undefined
  }
  const names = Object.keys(MODELS) as ModelName[]
  const model = names.find((known) => known === (wanted ?? campaign.model))
  if (model === undefined) throw usage('--model', names.join(', '), wanted!)
  return model
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
