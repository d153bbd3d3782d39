/** What holds for every connection and cannot be set; what can be is `LimitsSchema`. docs/reference/limits.md shows both. */
export const HTTP_LIMITS = {
  /** Request line and headers of one request. */
  headerBytes: 16_384,
  /** From the first byte of a connection, or the end of its last request, to the end of the headers. */
  headersMs: 10_000,
  /** From the beginning of a TLS connection to its first request. */
  handshakeMs: 10_000,
  /** A connection without a request. */
  keepAliveMs: 65_000,
  /** How late a time limit above may be noticed. */
  lookMs: 1000,
  /** A connection that was told what is wrong with it may stay so long, to read it. */
  lingerMs: 1000,
  /** Lists and objects of a body within each other. */
  jsonDepth: 128,
} as const
