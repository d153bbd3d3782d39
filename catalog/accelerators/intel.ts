import type { Accelerator, AcceleratorId } from '../accelerator.ts'
import type { FactSource } from '../fact-source.ts'

type IntelId = Extract<AcceleratorId, `intel-${string}`>

// Where a source says "at second hand", the figure was seen quoted from that page, not on it.

const INTEL = {
  maker: 'Intel',
  cpuArchitectures: ['amd64'],
  runtimeClassName: undefined,
  slices: [],
  deviceClass: 'gpu.intel.com',
} as const satisfies Partial<Accelerator>

// Taints are keyed by the resource, as Kubernetes' ExtendedResourceToleration expects them.

/** Battlemage: its kernel driver is xe, and Mesa has a Vulkan driver for it. */
const ARC = {
  ...INTEL,
  resource: 'gpu.intel.com/xe',
  engine: { image: 'vulkan' },
  taint: { key: 'gpu.intel.com/xe', value: 'present', effect: 'NoSchedule' },
} as const satisfies Partial<Accelerator>

/** Its driver is i915, not the kernel's own, and does compute alone. */
const MAX = {
  ...INTEL,
  resource: 'gpu.intel.com/i915',
  engine: {
    refused:
      'the Vulkan driver of Mesa does not know the compute-only Max cards, and the engine has ' +
      'builds for CUDA, Vulkan and CPU only: the card schedules, and needs an engine for SYCL',
  },
  taint: { key: 'gpu.intel.com/i915', value: 'present', effect: 'NoSchedule' },
} as const satisfies Partial<Accelerator>

const COMMON_SOURCES: readonly FactSource[] = [
  {
    facts: 'resource, what a driver can do with each family',
    url: 'https://intel.github.io/intel-device-plugins-for-kubernetes/cmd/gpu_plugin/README.html',
    date: '2026-11-28',
  },
  {
    facts: 'deviceClass',
    url: 'https://github.com/intel/intel-resource-drivers-for-kubernetes',
    date: '2026-11-28',
  },
]

const LABELS: FactSource = {
  facts: 'labels',
  url: 'https://intel.github.io/intel-device-plugins-for-kubernetes/0.35/_sources/cmd/gpu_plugin/labels.md.txt',
  date: '2026-11-28',
}

export const INTEL_ACCELERATORS: Readonly<Record<IntelId, Accelerator>> = {
  'intel-max-1100': {
    ...MAX,
    name: 'Intel Data Center GPU Max 1100',
    // Its nominal 48 GB: what its driver reports was not found.
    memoryMiB: 49_152,
    bandwidthGBs: 1228.8,
    nodeLabels: { 'gpu.intel.com/product': 'Max_1100' },
    sources: [
      ...COMMON_SOURCES,
      LABELS,
      {
        facts: 'memory, bandwidth, at second hand',
        url: 'https://www.intel.com/content/www/us/en/products/sku/232876/intel-data-center-gpu-max-1100/specifications.html',
        date: '2026-11-28',
      },
    ],
  },
  'intel-max-1550': {
    ...MAX,
    name: 'Intel Data Center GPU Max 1550',
    // Its nominal 128 GB, of both its halves: what its driver reports was not found.
    memoryMiB: 131_072,
    bandwidthGBs: 3276.8,
    nodeLabels: { 'gpu.intel.com/product': 'Max_1550' },
    sources: [
      ...COMMON_SOURCES,
      LABELS,
      {
        facts: 'memory, bandwidth, at second hand',
        url: 'https://www.intel.com/content/www/us/en/products/sku/232873/intel-data-center-gpu-max-1550/specifications.html',
        date: '2026-11-28',
      },
    ],
  },
  // Intel's feature rules name no Arc products: their labels are the PCI device's. Memory is as the
  // engine and the driver list it, and the Pro cards' bandwidth as widely published (a bus of 128
  // bits at 14 Gb/s, of 192 at 19): for these, no page of Intel's was found to cite.
  'intel-arc-b580': {
    ...ARC,
    name: 'Intel Arc B580',
    memoryMiB: 12_216,
    bandwidthGBs: 456,
    nodeLabels: { 'gpu.intel.com/device-id.0300-e20b.present': 'true' },
    sources: [
      ...COMMON_SOURCES,
      LABELS,
      {
        facts: 'bandwidth',
        url: 'https://comparegpus.com/gpu/arc-b580',
        date: '2026-11-28',
      },
    ],
  },
  'intel-arc-pro-b50': {
    ...ARC,
    name: 'Intel Arc Pro B50',
    memoryMiB: 16_304,
    bandwidthGBs: 224,
    nodeLabels: { 'gpu.intel.com/device-id.0300-e212.present': 'true' },
    sources: [...COMMON_SOURCES, LABELS],
  },
  'intel-arc-pro-b60': {
    ...ARC,
    name: 'Intel Arc Pro B60',
    memoryMiB: 24_480,
    bandwidthGBs: 456,
    nodeLabels: { 'gpu.intel.com/device-id.0300-e211.present': 'true' },
    sources: [...COMMON_SOURCES, LABELS],
  },
}
