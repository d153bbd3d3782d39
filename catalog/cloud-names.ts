import { ACCELERATORS } from './accelerators/index.ts'
import type { AksPool, EksPool } from './node-pool.ts'

/**
 * Amazon's image of the nodes: as stated, or the one with the card's driver; undefined: there is none.
 * Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html
 */
export function amiTypeOf({
  amiType,
  accelerator,
}: Pick<EksPool, 'amiType' | 'accelerator'>): string | undefined {
  if (amiType !== undefined) return amiType
  const { maker, cpuArchitectures } = ACCELERATORS[accelerator]
  if (accelerator === 'cpu') return 'AL2023_x86_64_STANDARD'
  if (maker !== 'NVIDIA') return undefined
  return cpuArchitectures.includes('amd64') ? 'AL2023_x86_64_NVIDIA' : 'AL2023_ARM_64_NVIDIA'
}

/**
 * Azure's name for the partition: it has one for each count of compute slices, which gets the least
 * memory of that count; undefined: it cannot make this one.
 * Source: https://learn.microsoft.com/azure/aks/gpu-multi-instance
 */
export function migProfileOf({
  slice,
  accelerator,
}: Pick<AksPool, 'slice' | 'accelerator'>): string | undefined {
  const count = slice?.split('.')[0]
  if (count === undefined) return undefined
  const least = ACCELERATORS[accelerator].slices.find(({ profile }) =>
    profile.startsWith(`${count}.`),
  )
  return least?.profile === slice ? `MIG${count}` : undefined
}
