import type { StackFile } from '../catalog/index.ts'

/** Stack outputs: a public contract. */
export interface Outputs {
  /** Base URL for OpenAI clients. */
  endpoint: string
  models: { id: string; digest: string; licence: string }[]
  jurisdiction: StackFile['jurisdiction']
  nodePools: never[]
}
