import type { Accelerator, AcceleratorId } from '../accelerator.ts'
import type { FactSource } from '../fact-source.ts'
import {
  A100_40GB_SLICES,
  A100_80GB_SLICES,
  B200_SLICES,
  GB200_SLICES,
  H100_SLICES,
  H200_SLICES,
  MIG_GUIDE,
} from './nvidia-mig.ts'

type NvidiaId = Extract<AcceleratorId, `nvidia-${string}`>

// Where a source says "at second hand", the figure was seen quoted from that page, not on it.

// memoryMiB is nvidia-smi's memory.total: it includes what the driver keeps for itself, so CUDA
// hands out a few hundred MiB less (on an H100, 81,089 of 81,559 MiB).

// A node has one gpu.product, but the same card comes as PCIe and SXM with different products:
// A100: NVIDIA-A100-SXM4-40GB, -PCIE-40GB, -SXM4-80GB and NVIDIA-A100-80GB-PCIe;
// H100: NVIDIA-H100-80GB-HBM3, NVIDIA-H100-PCIe; H200: NVIDIA-H200, NVIDIA-H200-NVL.
// These rows name what all forms share: gpu.family and gpu.memory. A node that shares its cards in
// time has "-SHARED" after its product; with MIG's `single` strategy product and memory are a
// slice's. With `mixed`, which the slices here need, they stay the card's.

const NVIDIA = {
  maker: 'NVIDIA',
  resource: 'nvidia.com/gpu',
  engine: { image: 'cuda' },
  cpuArchitectures: ['amd64'],
  // As GKE sets it. Other clouds set another value ("true"): a pod tolerates them all by the key.
  taint: { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' },
  runtimeClassName: 'nvidia',
  slices: [],
  deviceClass: 'gpu.nvidia.com',
} as const satisfies Partial<Accelerator>

const COMMON_SOURCES: readonly FactSource[] = [
  {
    facts: 'names of the labels',
    url: 'https://github.com/NVIDIA/k8s-device-plugin/blob/main/docs/gpu-feature-discovery/README.md',
    date: '2026-11-28',
  },
  {
    facts: 'deviceClass',
    url: 'https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/dra-intro-install.html',
    date: '2026-11-28',
  },
]

const SMI_OF_MANY: FactSource = {
  facts: 'memory',
  url: 'https://github.com/modal-labs/modal-client/pull/2797',
  date: '2025-01-23',
}

function bandwidthFrom(url: string): FactSource {
  return { facts: 'bandwidth, at second hand', url, date: '2026-11-28' }
}

function sliceMemoryFrom(facts: string, url: string, date: string): readonly FactSource[] {
  return [MIG_GUIDE, { facts, url, date }]
}

export const NVIDIA_ACCELERATORS: Readonly<Record<NvidiaId, Accelerator>> = {
  'nvidia-t4': {
    ...NVIDIA,
    name: 'NVIDIA T4',
    memoryMiB: 15_360,
    bandwidthGBs: 320,
    nodeLabels: { 'nvidia.com/gpu.product': 'Tesla-T4' },
    sources: [
      ...COMMON_SOURCES,
      SMI_OF_MANY,
      bandwidthFrom(
        'https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/tesla-t4/t4-tensor-core-product-brief.pdf',
      ),
    ],
  },
  'nvidia-l4': {
    ...NVIDIA,
    name: 'NVIDIA L4',
    memoryMiB: 23_034,
    bandwidthGBs: 300,
    nodeLabels: { 'nvidia.com/gpu.product': 'NVIDIA-L4' },
    sources: [
      ...COMMON_SOURCES,
      SMI_OF_MANY,
      bandwidthFrom('https://www.nvidia.com/en-us/data-center/l4/'),
    ],
  },
  'nvidia-a10g': {
    ...NVIDIA,
    name: 'NVIDIA A10G',
    memoryMiB: 23_028,
    // NVIDIA has no page on the A10G, which one cloud alone has; its memory is the A10's.
    bandwidthGBs: 600,
    nodeLabels: { 'nvidia.com/gpu.product': 'NVIDIA-A10G' },
    sources: [
      ...COMMON_SOURCES,
      {
        facts: 'memory',
        url: 'https://github.com/NVIDIA/DCGM/issues/232',
        date: '2025-05-22',
      },
      {
        facts: 'bandwidth',
        url: 'https://www.baseten.co/blog/nvidia-a10-vs-a10g-for-ml-model-inference/',
        date: '2026-11-28',
      },
    ],
  },
  'nvidia-l40s': {
    ...NVIDIA,
    name: 'NVIDIA L40S',
    memoryMiB: 46_068,
    bandwidthGBs: 864,
    nodeLabels: { 'nvidia.com/gpu.product': 'NVIDIA-L40S' },
    sources: [
      ...COMMON_SOURCES,
      SMI_OF_MANY,
      bandwidthFrom('https://www.nvidia.com/en-us/data-center/l40s/'),
    ],
  },
  'nvidia-rtx-6000-ada': {
    ...NVIDIA,
    name: 'NVIDIA RTX 6000 Ada Generation',
    // With ECC off. No page to cite: seen in many listings of nvidia-smi. With ECC on it is less.
    memoryMiB: 49_140,
    bandwidthGBs: 960,
    nodeLabels: { 'nvidia.com/gpu.product': 'NVIDIA-RTX-6000-Ada-Generation' },
    sources: [
      ...COMMON_SOURCES,
      bandwidthFrom('https://www.nvidia.com/en-us/design-visualization/rtx-6000/'),
    ],
  },
  'nvidia-a100-40gb': {
    ...NVIDIA,
    name: 'NVIDIA A100 40GB',
    memoryMiB: 40_960,
    bandwidthGBs: 1555,
    nodeLabels: { 'nvidia.com/gpu.family': 'ampere', 'nvidia.com/gpu.memory': '40960' },
    slices: A100_40GB_SLICES,
    sources: [
      ...COMMON_SOURCES,
      MIG_GUIDE,
      SMI_OF_MANY,
      bandwidthFrom('https://www.nvidia.com/en-us/data-center/a100/'),
    ],
  },
  'nvidia-a100-80gb': {
    ...NVIDIA,
    name: 'NVIDIA A100 80GB',
    memoryMiB: 81_920,
    // SXM; the PCIe form has 1935.
    bandwidthGBs: 2039,
    nodeLabels: { 'nvidia.com/gpu.family': 'ampere', 'nvidia.com/gpu.memory': '81920' },
    slices: A100_80GB_SLICES,
    sources: [
      ...COMMON_SOURCES,
      MIG_GUIDE,
      SMI_OF_MANY,
      bandwidthFrom('https://www.nvidia.com/en-us/data-center/a100/'),
    ],
  },
  'nvidia-h100': {
    ...NVIDIA,
    name: 'NVIDIA H100',
    memoryMiB: 81_559,
    // SXM; the PCIe form has 2000.
    bandwidthGBs: 3350,
    nodeLabels: { 'nvidia.com/gpu.family': 'hopper', 'nvidia.com/gpu.memory': '81559' },
    slices: H100_SLICES,
    sources: [
      ...COMMON_SOURCES,
      SMI_OF_MANY,
      bandwidthFrom('https://www.nvidia.com/en-us/data-center/h100/'),
      ...sliceMemoryFrom(
        'memory of slices',
        'https://jbarrow.ai/field_notes/nvidia-mig/',
        '2026-06-11',
      ),
    ],
  },
  'nvidia-h200': {
    ...NVIDIA,
    name: 'NVIDIA H200',
    // No page to cite: seen in many listings of nvidia-smi, of the SXM and the NVL form.
    memoryMiB: 143_771,
    bandwidthGBs: 4800,
    nodeLabels: { 'nvidia.com/gpu.family': 'hopper', 'nvidia.com/gpu.memory': '143771' },
    slices: H200_SLICES,
    sources: [
      ...COMMON_SOURCES,
      bandwidthFrom('https://www.nvidia.com/en-us/data-center/h200/'),
      ...sliceMemoryFrom(
        'memory of slices but 7g',
        'https://github.com/NVIDIA/mig-parted/issues/120',
        '2024-09-04',
      ),
    ],
  },
  'nvidia-b200': {
    ...NVIDIA,
    name: 'NVIDIA B200',
    memoryMiB: 183_359,
    // As first stated (64 TB/s of a DGX B200's eight); later pages state slightly less.
    bandwidthGBs: 8000,
    nodeLabels: { 'nvidia.com/gpu.product': 'NVIDIA-B200' },
    slices: B200_SLICES,
    sources: [
      ...COMMON_SOURCES,
      {
        facts: 'memory',
        url: 'https://github.com/NVIDIA/TensorRT-LLM/issues/10278',
        date: '2025-12-24',
      },
      bandwidthFrom('https://www.nvidia.com/en-us/data-center/dgx-b200/'),
      ...sliceMemoryFrom(
        'memory of 1g and 2g slices',
        'https://github.com/NVIDIA/gpu-operator/pull/1351',
        '2025-03-20',
      ),
    ],
  },
  'nvidia-gb200': {
    ...NVIDIA,
    name: 'NVIDIA GB200',
    // No page to cite: seen in listings of nvidia-smi, one of the superchip's two GPUs.
    memoryMiB: 189_471,
    bandwidthGBs: 8000,
    // Grace. GKE also taints such nodes kubernetes.io/arch=arm64:NoSchedule.
    cpuArchitectures: ['arm64'],
    nodeLabels: { 'nvidia.com/gpu.product': 'NVIDIA-GB200' },
    slices: GB200_SLICES,
    sources: [
      ...COMMON_SOURCES,
      bandwidthFrom('https://www.nvidia.com/en-us/data-center/gb200-nvl72/'),
      ...sliceMemoryFrom(
        'memory of 1g and 2g slices',
        'https://github.com/NVIDIA/mig-parted/issues/227',
        '2025-08-07',
      ),
    ],
  },
}
