import { MODEL } from '../../../helpers/roles.ts'
import { REFUSED_SAMPLING } from '../seed.ts'
import type { Seed } from '../seed.ts'

const user = (content: unknown) => ({ role: 'user', content })

export const chatCompletions: Seed = {
  path: '/v1/chat/completions',
  bodies: [
    { model: MODEL, messages: [user('Apa khabar?')] },
    {
      model: MODEL,
      messages: [
        { role: 'system', content: 'Jawab dalam satu ayat.' },
        user([{ type: 'text', text: 'Siapa presiden pertama Indonesia?' }]),
        { role: 'assistant', content: 'Soekarno.' },
        user('ขอบคุณ 🙏 \u0000 "quoted" \\ back'),
      ],
      ...{
        temperature: 0.7,
        top_p: 0.9,
        max_completion_tokens: 16,
        seed: -5,
        stop: ['\n\n', '###'],
      },
      ...{ stream: true, stream_options: { include_usage: true }, user: 'a', metadata: { b: 'c' } },
    },
  ],
  required: ['model', 'messages'],
  refused: {
    ...REFUSED_SAMPLING,
    messages: [null, 'hi', 7, {}, [], [null], [7], ['hi'], [{}], [[]], [{ role: 'user' }], [user(7)],
      [user({})], [user([])], [user([7])], [user([{ type: 'text' }])], [user([{ type: 'text', text: 7 }])],
      [{ role: 'root', content: 'a' }], [{ role: 7, content: 'a' }], [{ content: 'a' }],
      [user('a'), { role: '__proto__', content: 'a' }], Array.from({ length: 500 }, () => 7)], // prettier-ignore
    max_completion_tokens: [0, -1, 1.5, 2 ** 53, '9', {}],
    n: [-1, 1e9, '1', {}],
  },
}
