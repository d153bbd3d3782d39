import { closedLoop, summarise } from '../load.ts'
import { type Cases, type Session, type Workload, figure, withArm } from './workload.ts'

const STREAMS = 8
const TOKENS = 128

/** No answer comes to its end: each has as many tokens as the others. */
const SCHEMA = {
  type: 'array',
  minItems: 200,
  items: {
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 1 },
      age: { type: 'integer', minimum: 0, maximum: 150 },
      married: { type: 'boolean' },
      city: { enum: ['Kuching', 'Miri', 'Sibu', 'Bintulu'] },
      likes: { type: 'array', items: { type: 'string' } },
    },
    required: ['name', 'age', 'married', 'city', 'likes'],
    additionalProperties: false,
  },
}

/** The same prompts with a schema and without, in turn on the same server. */
async function withAndWithout({ prompts, seed, quick, ...session }: Session): Promise<Cases> {
  return withArm({ prompts, seed, quick, ...session }, async (arm) => {
    const cases: Cases = {}
    for (const [name, schema] of [
      ['free', undefined],
      ['schema', SCHEMA],
    ] as const) {
      cases[name] = await session.measure(arm, async () => {
        const answers = await closedLoop(arm, STREAMS, quick ? 1 : 3, (stream, turn) => ({
          prompt: prompts.prompt(`W8 ${seed} ${name} ${stream} ${turn}`, 64),
          maxTokens: TOKENS,
          ...(schema === undefined ? {} : { schema }),
        }))
        return summarise(answers)
      })
    }
    return cases
  })
}

export const JSON_SCHEMA: Workload = {
  title: `JSON by a schema and free text, ${STREAMS} streams, 64 in, ${TOKENS} out`,
  context: 512,
  run: withAndWithout,
  score: (cases) => figure(cases, 'schema', 'tokensPerSecond'),
  searches: [],
}
