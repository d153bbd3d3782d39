import { KitError } from '../../catalog/errors.ts'

export interface CloudQuestion {
  /** Of the stack file. */
  path: string
  /** What the cloud is asked for, e.g. "Amazon to describe subnet-1 in ap-southeast-5". */
  expected: string
  /** How its credentials are renewed. */
  logIn: string
}

/** A cloud's answer about something that must be there. Throws KitError CLOUD_UNREACHABLE. */
export async function cloudAnswer<Answer>(
  { path, expected, logIn }: CloudQuestion,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask()
  } catch (cause) {
    const fix = `correct the name if it is wrong, check the network, or renew the credentials (${logIn})`
    throw new KitError('CLOUD_UNREACHABLE', { path, expected, got: told(cause), fix }, { cause })
  }
}

const LONGEST = 300

/** Pulumi's frame around a cloud's words is left out; they are cut, and no control character passes. */
function told(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  const words = text
    .replace(/^.*returned an error: /s, '')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return words.slice(0, LONGEST) || 'an error without words'
}
