/** Options that every verb understands. */
export interface CommonOptions {
  stack: string
  project: string
  output: 'text' | 'json'
  yes: boolean
}
