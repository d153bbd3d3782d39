/** OpenAI reads `null` as "not given". */
export const isGiven = <T>(value: T | null | undefined): value is T =>
  value !== undefined && value !== null
