/** What every answer begins with, and how its tokens are counted. */
export interface AnswerHead {
  id: string
  /** Unix seconds. */
  created: number
  model: string
  system_fingerprint: string
}

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number }
  completion_tokens_details?: { reasoning_tokens: number }
}

/** `reasoning`: undefined where nobody counts it. */
export const usageOf = (
  prompt: number,
  completion: number,
  cached: number,
  reasoning?: number,
): Usage => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  prompt_tokens_details: { cached_tokens: cached },
  ...(reasoning === undefined
    ? {}
    : { completion_tokens_details: { reasoning_tokens: reasoning } }),
})
