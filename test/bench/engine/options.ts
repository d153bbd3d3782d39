import { parseArgs } from 'node:util'
import { KitError } from '../../../catalog/errors.ts'
import { type AnyArm, LOOPS } from './arm-choice.ts'
import { ARM_NAMES } from './arms.ts'
import { WORKLOADS } from './workloads/index.ts'

export const MODELS = { gemma: 'gemma-3-270m', smollm2: 'smollm2-135m-instruct' } as const
export type ModelName = keyof typeof MODELS

export interface Options {
  model: ModelName
  workloads: string[]
  /** Undefined: the default ones of each workload. */
  arms: AnyArm[] | undefined
  runs: number
  quick: boolean
  /** Searches llama-server's best flags again. */
  grid: boolean
  /** Writes the page and the plot under docs/reference/. */
  write: boolean
  soakRequests: number
}

/** What runs when no workload is named. */
const UNNAMED = Object.keys(WORKLOADS).filter((name) => WORKLOADS[name]?.onlyNamed !== true)

const USAGE =
  'npm run bench -- engine [--workloads W1,W4] [--arms ours,llama-server-best] [--runs 5] ' +
  '[--model gemma|smollm2] [--quick] [--grid] [--soak-requests 10000] [--write]'

/** The command line; throws KitError USAGE. */
export function readOptions(args: string[]): Options {
  const values = parse(args)
  const every = [...ARM_NAMES, ...LOOPS] as const
  const quick = values.quick
  if (quick && values.write) throw usage('--write', 'a whole measurement', '--quick')
  return {
    model: oneOf('--model', values.model, Object.keys(MODELS) as ModelName[]),
    workloads: listOf('--workloads', values.workloads, Object.keys(WORKLOADS)) ?? UNNAMED,
    arms: listOf('--arms', values.arms, every),
    runs: whole('--runs', values.runs ?? (quick ? '1' : '5')),
    ...{ quick, grid: values.grid, write: values.write },
    soakRequests: whole('--soak-requests', values['soak-requests'] ?? (quick ? '128' : '10000')),
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        workloads: { type: 'string' },
        arms: { type: 'string' },
        runs: { type: 'string' },
        model: { type: 'string', default: 'gemma' },
        quick: { type: 'boolean', default: false },
        grid: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        'soak-requests': { type: 'string' },
      },
    }).values
  } catch (error) {
    throw usage('command line', 'known options', (error as Error).message)
  }
}

function listOf<T extends string>(
  option: string,
  text: string | undefined,
  known: readonly T[],
): T[] | undefined {
  return text?.split(',').map((name) => oneOf(option, name, known))
}

function oneOf<T extends string>(option: string, text: string, known: readonly T[]): T {
  const found = known.find((name) => name === text)
  if (found === undefined) throw usage(option, known.join(', '), text)
  return found
}

function whole(option: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw usage(option, 'a whole number above 0', text)
}

const usage = (path: string, expected: string, got: string) =>
  new KitError('USAGE', { path, expected, got, fix: `use: ${USAGE}` })
