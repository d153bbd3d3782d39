import type { DecodeContext } from './decode-context.ts'

/** What the loop asks of a context: so much a simulation must offer too. */
export type DecodeSlots = Pick<
  DecodeContext,
  | 'slots'
  | 'contextSize'
  | 'batchSize'
  | 'decode'
  | 'truncate'
  | 'copy'
  | 'isCopied'
  | 'copiesDue'
  | 'takeSampler'
  | 'returnSampler'
>
