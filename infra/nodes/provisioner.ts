import type * as pulumi from '@pulumi/pulumi'
import type { Accelerator } from '../../catalog/accelerator.ts'
import type { NodePool, ProvisionerKind } from '../../catalog/node-pool.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import type { ClusterTarget } from '../clusters/target.ts'

export interface PoolArgs<Pool extends NodePool = NodePool> {
  pool: Pool
  /** Row of the pool's accelerator. */
  accelerator: Accelerator
  jurisdiction: Jurisdiction
  target: ClusterTarget
}

export type PoolOf<Kind extends ProvisionerKind> = Extract<NodePool, { provisioner: Kind }>

/** Registers the resources of a pool whose needs were found. */
export type Register = () => void

/**
 * Looks for all that a pool needs, and throws a KitError for what it does not find; then hands over what registers
 * the resources that make its nodes (nothing where they are there). All pools are looked at before the first
 * resource of any: nothing is half applied. The nodes get the labels of placement.ts, the accelerator's taint, and
 * no zone or region but the jurisdiction's.
 */
export type Provisioner<Kind extends ProvisionerKind> = (
  args: PoolArgs<PoolOf<Kind>>,
  opts: pulumi.CustomResourceOptions,
) => Promise<Register>
