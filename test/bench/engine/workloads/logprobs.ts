import { withAndWithout } from './with-and-without.ts'

/** As evaluations ask. */
export const LOGPROBS = withAndWithout('text with the likeliest 5 tokens', 'logprobs', {
  logprobs: 5,
})
