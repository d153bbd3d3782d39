import type { Accelerator } from '../../catalog/accelerator.ts'
import type { CloudPool } from '../../catalog/node-pool.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import { poolLabels } from './placement.ts'

/** Labels of the nodes of a cloud's node group: those of placement, and what NVIDIA's stack looks for. Pure. */
export function cloudLabels(
  pool: CloudPool,
  { maker }: Accelerator,
  { country }: Jurisdiction,
): Record<string, string> {
  const ownDriver = pool.provisioner !== 'eks' && pool.driver === 'own'
  return {
    ...poolLabels(pool, country),
    // The device plugin's chart places its pods by it where no feature discovery runs; GKE has its own plugin.
    ...(maker === 'NVIDIA' && !(pool.provisioner === 'gke' && !ownDriver)
      ? { 'nvidia.com/gpu.present': 'true' }
      : {}),
    // The GPU Operator partitions all cards of a node so. Azure does it itself.
    ...(pool.slice !== undefined && (pool.provisioner !== 'aks' || ownDriver)
      ? { 'nvidia.com/mig.config': `all-${pool.slice}` }
      : {}),
    // Two device plugins on a node announce the same cards twice: GKE's own keeps away.
    ...(pool.provisioner === 'gke' && ownDriver
      ? { 'gke-no-default-nvidia-gpu-device-plugin': 'true' }
      : {}),
  }
}
