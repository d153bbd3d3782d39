import type { Accelerator, AcceleratorId } from '../accelerator.ts'
import type { FactSource } from '../fact-source.ts'

type AmdId = Extract<AcceleratorId, `amd-${string}`>

// Where a source says "at second hand", the figure was seen quoted from that page, not on it.

const COMPUTE_ONLY = {
  refused:
    'the Vulkan driver of Mesa leaves the compute-only Instinct cards out, and the engine has ' +
    'builds for CUDA, Vulkan and CPU only: the card schedules, and needs an engine built for ROCm',
}

const AMD = {
  maker: 'AMD',
  resource: 'amd.com/gpu',
  engine: COMPUTE_ONLY,
  cpuArchitectures: ['amd64'],
  // Keyed by the resource, as Kubernetes' ExtendedResourceToleration expects it.
  taint: { key: 'amd.com/gpu', value: 'present', effect: 'NoSchedule' },
  runtimeClassName: undefined,
  slices: [],
  deviceClass: 'gpu.amd.com',
} as const satisfies Partial<Accelerator>

const COMMON_SOURCES: readonly FactSource[] = [
  {
    facts: 'resource, names of the labels',
    url: 'https://instinct.docs.amd.com/projects/k8s-device-plugin/en/latest/',
    date: '2026-11-28',
  },
  {
    facts: 'deviceClass',
    url: 'https://github.com/ROCm/k8s-gpu-dra-driver/releases/tag/v1.0.0',
    date: '2026-11-28',
  },
  {
    facts: 'bandwidth, after the product pages',
    url: 'https://docs.vultr.com/inference-cookbook/rocm/getting-started/hardware-requirements',
    date: '2026-03-11',
  },
  {
    facts: 'engine: an MI300X shows no Vulkan device but the CPU',
    url: 'https://github.com/GpuZelenograd/memtest_vulkan/issues/69',
    date: '2025-09-22',
  },
  {
    facts: 'engine: cards that the driver of Mesa knows',
    url: 'https://docs.mesa3d.org/drivers/radv.html',
    date: '2026-11-28',
  },
]

export const AMD_ACCELERATORS: Readonly<Record<AmdId, Accelerator>> = {
  'amd-mi300x': {
    ...AMD,
    name: 'AMD Instinct MI300X',
    memoryMiB: 196_592,
    bandwidthGBs: 5300,
    // On the machine itself; a virtual machine's card has another name.
    nodeLabels: { 'amd.com/gpu.product-name': 'AMD_Instinct_MI300X_OAM' },
    sources: [
      ...COMMON_SOURCES,
      {
        facts: 'memory',
        url: 'https://github.com/ROCm/legacy-rocm-build/issues/4750',
        date: '2026-11-28',
      },
      {
        facts: 'bandwidth, at second hand',
        url: 'https://www.amd.com/en/products/accelerators/instinct/mi300/mi300x.html',
        date: '2026-11-28',
      },
    ],
  },
  'amd-mi325x': {
    ...AMD,
    name: 'AMD Instinct MI325X',
    // No page to cite: seen in listings of amd-smi.
    memoryMiB: 262_128,
    bandwidthGBs: 6000,
    nodeLabels: { 'amd.com/gpu.product-name': 'AMD_Instinct_MI325_OAM' },
    sources: [
      ...COMMON_SOURCES,
      {
        facts: 'bandwidth, at second hand',
        url: 'https://www.amd.com/en/products/accelerators/instinct/mi300/mi325x.html',
        date: '2026-11-28',
      },
    ],
  },
}
