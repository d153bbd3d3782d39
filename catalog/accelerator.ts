import type { FactSource } from './fact-source.ts'

/** Every accelerator that a pool of nodes can have, and none: the CPU. */
export const ACCELERATOR_IDS = [
  'cpu',
  'nvidia-t4',
  'nvidia-l4',
  'nvidia-a10g',
  'nvidia-l40s',
  'nvidia-rtx-6000-ada',
  'nvidia-a100-40gb',
  'nvidia-a100-80gb',
  'nvidia-h100',
  'nvidia-h200',
  'nvidia-b200',
  'nvidia-gb200',
  'amd-mi300x',
  'amd-mi325x',
  'intel-max-1100',
  'intel-max-1550',
  'intel-arc-b580',
  'intel-arc-pro-b50',
  'intel-arc-pro-b60',
  'huawei-ascend-910b',
  'huawei-ascend-910c',
] as const
export type AcceleratorId = (typeof ACCELERATOR_IDS)[number]

/** A part of a card that its maker's partitioning (MIG) makes. */
export interface CardSlice {
  /** As the maker writes it, e.g. `1g.10gb`. */
  profile: string
  /** Extended resource with the device plugin's `mixed` strategy. */
  resource: string
  memoryMiB: number
  /** Of this profile on one card. */
  most: number
}

export interface Accelerator {
  /** As its maker calls it. */
  name: string
  maker: string
  /** Extended resource that its device plugin announces; undefined: the CPU. */
  resource: string | undefined
  /** What a driver reports as usable, of one card; undefined: the node's own memory. */
  memoryMiB: number | undefined
  /** Of its memory, 10^9 bytes a second, as its maker states it; undefined: not stated. */
  bandwidthGBs: number | undefined
  /** Variant of the server image that runs on it, or why none does. */
  engine: { image: 'cpu' | 'cuda' | 'vulkan' } | { refused: string }
  /** CPU of its nodes: the image must be built for it. */
  cpuArchitectures: readonly ('amd64' | 'arm64')[]
  /** Taint that keeps other pods away, as the makers' and clouds' own node groups set it. */
  taint: { key: string; value: string; effect: 'NoSchedule' } | undefined
  /** What its maker's feature discovery writes on a node that has it. */
  nodeLabels: Readonly<Record<string, string>>
  /** RuntimeClass that its container toolkit installs; undefined: none is needed. */
  runtimeClassName: string | undefined
  /** Empty: it can't be partitioned by its maker's means. */
  slices: readonly CardSlice[]
  /** DeviceClass of its driver for dynamic resource allocation; undefined: it has none. */
  deviceClass: string | undefined
  sources: readonly FactSource[]
}
