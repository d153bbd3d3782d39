import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import type { PythonSet } from './python-environment.ts'
import { PythonProcess } from './python-process.ts'
import { ForecastSchema, TOOL, WeatherSchema } from './questions.ts'

const SCRIPTS = join(import.meta.dirname, 'python')
/** Where `npm start` serves, as the documentation says it. */
const DOCUMENTED = 'http://127.0.0.1:8080/v1'
const service = inject('service')
const vectors = inject('vectors')

/** What a function of a script gave, or how it failed. */
type Outcome =
  | { value: unknown }
  | {
      /** The error's class, what that derives from, and those of what it was raised from. */
      kinds: string[]
      message: string
    }

/** Functions of a client's script, by what must hold for what they give. */
interface Expected {
  set: PythonSet
  /** Text and its tokens: the same from each of a row. */
  texts: readonly (readonly [string, ...string[]])[]
  /** Name and arguments of a call that was forced. */
  calls: readonly string[]
  /** An answer that is valid by a schema. */
  forecasts: readonly string[]
  /** Others that must give something. */
  others?: readonly string[]
  /** Class of the error that each must raise, and what it must name. */
  errors: Readonly<Record<string, readonly [kind: string, names: RegExp]>>
}

const BOTH = ['whole', 'streamed'] as const
const CALLS = ['call', 'streamed_call']
const ERRORS = {
  unknown_model: ['NotFoundError', /no-such-model/],
  wrong_value: ['BadRequestError', /temperature|max_tokens/],
} as const
const ALL_ERRORS = {
  ...ERRORS,
  embeddings: ['BadRequestError', /a model that makes vectors/],
} as const

const CLIENTS: Readonly<Record<string, Expected>> = {
  openai: {
    ...{ set: 'openai-3', texts: [BOTH, ['response', 'streamed_response']] },
    ...{ calls: CALLS, forecasts: ['forecast'], errors: ALL_ERRORS },
  },
  langchain: {
    ...{ set: 'openai-3', texts: [BOTH, ['response'], ['answer_after_call']] },
    ...{ calls: CALLS, forecasts: ['forecast', 'forecast_by_call'], errors: ALL_ERRORS },
  },
  llama_index: {
    ...{ set: 'openai-2', texts: [BOTH] },
    ...{ calls: CALLS, forecasts: ['forecast'], errors: ERRORS },
  },
  litellm: {
    ...{ set: 'openai-3', texts: [BOTH, ['response']] },
    ...{ calls: CALLS, forecasts: ['forecast'], errors: ALL_ERRORS },
  },
  instructor: {
    ...{ set: 'openai-2', texts: [], calls: [] },
    forecasts: ['forecast', 'forecast_streamed', 'forecast_by_format'],
    errors: ERRORS,
  },
  llm: {
    ...{ set: 'openai-3', texts: [BOTH], calls: [], forecasts: ['forecast'] },
    ...{ others: ['with_tools'], errors: ERRORS },
  },
}

/** Where the scripts of a client run: among other things with what `llm` reads of its models. */
async function start(set: PythonSet, asked = service): Promise<PythonProcess> {
  const python = await PythonProcess.start(set, asked)
  const models = readFileSync(join(SCRIPTS, 'extra-openai-models.yaml'), 'utf8')
  python.write('extra-openai-models.yaml', models.replaceAll(DOCUMENTED, service.baseURL))
  return python
}

describe.each(Object.entries(CLIENTS))('%s', (name, expected) => {
  let outcomes: Record<string, Outcome>
  let askedElsewhere: readonly string[]

  const run = async (python: PythonProcess, ...functions: string[]) => {
    const { stdout, ...rest } = await python
      .run([join(SCRIPTS, 'run.py'), `${name}_client`, ...functions])
      .finally(() => python.close())
    const outcomes: Record<string, Outcome> = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
    return { outcomes, ...rest }
  }
  beforeAll(async () => {
    ;({ outcomes, askedElsewhere } = await run(await start(expected.set)))
  })
  const valueOf = (asked: string) => {
    const outcome = outcomes[asked]
    if (outcome !== undefined && 'value' in outcome) return outcome.value
    throw new Error(`${asked}: ${JSON.stringify(outcome)}`)
  }

  test.each(expected.texts)('%s: text, with its tokens; the same streamed', (first, ...others) => {
    const value = valueOf(first)
    expect(value).toEqual([expect.stringMatching(/\w/), expect.any(Number)])
    for (const other of others) expect(valueOf(other)).toEqual(value)
  })

  test.each(expected.calls)('%s: the arguments are valid by the schema', (asked) => {
    const [called, given] = valueOf(asked) as [string, unknown]
    expect(called).toBe(TOOL)
    WeatherSchema.parse(given)
  })

  test.each(expected.forecasts)('%s: the answer is valid by the schema', (asked) => {
    ForecastSchema.parse(valueOf(asked))
  })

  test.each(Object.entries(expected.errors))('%s: an error of its own class', (asked, error) => {
    const [kind, names] = error
    expect(outcomes[asked]).toMatchObject({
      kinds: expect.arrayContaining([kind]),
      message: expect.stringMatching(names),
    })
  })

  // With a model that answers the same function is an error.
  test.runIf('embeddings' in expected.errors)('embeddings: a vector of length 1', async () => {
    const found = await run(await start(expected.set, vectors), 'embeddings')
    const { value } = found.outcomes['embeddings'] as { value: number[] }
    expect(Math.hypot(...value)).toBeCloseTo(1, 4)
    expect(found.askedElsewhere).toEqual([])
  })

  test('every function was looked at, and nobody was asked but the service', () => {
    const { texts, calls, forecasts, others = [], errors } = expected
    const known = [...texts.flat(), ...calls, ...forecasts, ...others, ...Object.keys(errors)]
    expect(Object.keys(outcomes).sort()).toEqual(known.sort())
    for (const asked of others) valueOf(asked)
    expect(askedElsewhere).toEqual([])
  })
})

test('llm answers on the command line', async () => {
  const python = await start('openai-3')
  const { stdout } = await python.sh([join(SCRIPTS, 'llm.sh')]).finally(() => python.close())
  expect(stdout).toMatch(/\w/)
})
