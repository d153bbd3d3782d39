import type { AcceleratorId } from '../catalog/accelerator.ts'
import type { ProvisionerKind, StackFile } from '../catalog/index.ts'

/** Stack outputs: a public contract. */
export interface Outputs {
  /** Base URL for OpenAI clients. */
  endpoint: string
  models: { id: string; digest: string; licence: string }[]
  jurisdiction: StackFile['jurisdiction']
  nodePools: {
    name: string
    provisioner: ProvisionerKind
    accelerator: AcceleratorId
    /** Empty: any of the jurisdiction's regions. */
    zones: string[]
    /** Nodes; absent: those that are there. */
    min?: number
    max?: number
  }[]
}
