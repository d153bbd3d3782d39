const LF = 0x0a
/** How an event ends, by how its server ends lines. */
const ENDS = ['\n\n', '\n\r\n'] as const

/** Bytes up to the end of the last whole server-sent event in them; 0: there is none. */
export function lastWholeEvent(bytes: Buffer): number {
  // Most pieces are whole events, as they were written.
  if (bytes.at(-1) === LF && bytes.at(-2) === LF) return bytes.length
  const ends = ENDS.map((end) => {
    const at = bytes.lastIndexOf(end)
    return at < 0 ? 0 : at + end.length
  })
  return Math.max(...ends)
}
