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

/**
 * Registers the resources that make the nodes of a pool, or checks those that are there. The nodes get the
 * labels of placement.ts, the accelerator's taint, and no zone or region but the jurisdiction's. Before the
 * first resource it throws a KitError for what it needs and does not find.
 */
export type Provisioner<Kind extends ProvisionerKind> = (
  args: PoolArgs<PoolOf<Kind>>,
  opts: pulumi.CustomResourceOptions,
) => Promise<void>
