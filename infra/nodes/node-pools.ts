import * as pulumi from '@pulumi/pulumi'
import { ACCELERATORS } from '../../catalog/accelerators/index.ts'
import type { NodePool, ProvisionerKind } from '../../catalog/node-pool.ts'
import type { StackFile } from '../../catalog/stack-file.ts'
import { zonesOf } from '../../catalog/zone.ts'
import type { ClusterTarget } from '../clusters/target.ts'
import type { Outputs } from '../outputs.ts'
import { createLabelGuard } from './label-guard.ts'
import type { PoolOf, Provisioner, Register } from './provisioner.ts'

/** Each is loaded for a pool of its kind alone: a cloud's package is needed by nobody else. */
const PROVISIONERS: { [Kind in ProvisionerKind]: () => Promise<Provisioner<Kind>> } = {
  existing: async () => (await import('./existing.ts')).existing,
  karpenter: async () => (await import('./karpenter.ts')).karpenter,
  'cluster-api': async () => (await import('./cluster-api.ts')).clusterApi,
  eks: async () => (await import('./eks.ts')).eks,
  gke: async () => (await import('./gke.ts')).gke,
  aks: async () => (await import('./aks.ts')).aks,
}

/** Every pool of the stack, in order; fails with a KitError before the first resource that makes a node. */
export async function createNodePools(
  stack: StackFile,
  target: ClusterTarget,
  opts: pulumi.ComponentResourceOptions,
): Promise<Outputs['nodePools']> {
  const registers: Register[] = []
  for (const pool of stack.nodePools) {
    const parent = new NodePoolResources(pool.name, opts)
    registers.push(await provision(pool, stack, target, parent))
  }
  createLabelGuard(stack.nodePools, stack.namespace, opts)
  for (const register of registers) register()
  return stack.nodePools.map((pool) => ({
    name: pool.name,
    provisioner: pool.provisioner,
    accelerator: pool.accelerator,
    zones: [...zonesOf(pool, stack.jurisdiction)],
    ...('max' in pool ? { min: pool.min, max: pool.max } : {}),
  }))
}

async function provision<Kind extends ProvisionerKind>(
  pool: PoolOf<Kind> & NodePool,
  { jurisdiction }: StackFile,
  target: ClusterTarget,
  parent: NodePoolResources,
): Promise<Register> {
  const accelerator = ACCELERATORS[pool.accelerator]
  const kind: Kind = pool.provisioner
  const provisioner = await PROVISIONERS[kind]()
  return provisioner({ pool, accelerator, jurisdiction, target }, { parent })
}

/** What belongs to one pool. */
class NodePoolResources extends pulumi.ComponentResource {
  constructor(name: string, opts: pulumi.ComponentResourceOptions) {
    super('serantau:nodes:NodePool', name, {}, opts)
    this.registerOutputs({})
  }
}
