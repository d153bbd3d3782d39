import { MODEL } from '../../../helpers/roles.ts'
import { REFUSED_SAMPLING } from '../seed.ts'
import type { Seed } from '../seed.ts'

export const completions: Seed = {
  path: '/v1/completions',
  bodies: [
    { model: MODEL, prompt: 'Pada suatu hari,' },
    { model: MODEL, prompt: [1, 2, 3, 100_000], max_tokens: 4, temperature: 0, stream: true },
    { model: MODEL, prompt: 'ប្រទេសកម្ពុជា {{7*7}} ${x} {% if %}', stop: '.', ignore_eos: true },
  ],
  required: ['model', 'prompt'],
  refused: {
    ...REFUSED_SAMPLING,
    prompt: [
      7,
      true,
      {},
      [[]],
      [-1],
      [1.5],
      [1, 'a'],
      [{}],
      [null],
      Array.from({ length: 500 }, () => -1),
    ],
  },
}
