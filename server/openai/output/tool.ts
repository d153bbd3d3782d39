export type JsonSchema = Readonly<Record<string, unknown>>

/** What a parser of answers needs to know of a tool. */
export interface Tool {
  readonly name: string
  /** JSON schema of its arguments: an object. */
  readonly parameters?: JsonSchema
}
