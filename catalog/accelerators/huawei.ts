import type { Accelerator, AcceleratorId } from '../accelerator.ts'

type HuaweiId = Extract<AcceleratorId, `huawei-${string}`>

// memoryMiB is of one die, the nominal 64 GB: what the driver reports was not found, nor a
// bandwidth that Huawei states. Its guide labels nodes by hand (accelerator=huawei-Ascend910), and
// what its own discovery writes differs from one board to the next: no labels here.
const HUAWEI = {
  maker: 'Huawei',
  resource: 'huawei.com/Ascend910',
  memoryMiB: 65_536,
  bandwidthGBs: undefined,
  engine: {
    refused:
      "the engine has no build with llama.cpp's backend for Ascend (CANN), only for " +
      'CUDA, Vulkan and CPU: the card schedules, and needs another engine',
  },
  // Huawei documents hosts of both kinds: host-arch=huawei-arm and huawei-x86.
  cpuArchitectures: ['arm64', 'amd64'],
  // Keyed by the resource, as Kubernetes' ExtendedResourceToleration expects it.
  taint: { key: 'huawei.com/Ascend910', value: 'present', effect: 'NoSchedule' },
  nodeLabels: {},
  runtimeClassName: undefined,
  slices: [],
  deviceClass: undefined,
  sources: [
    {
      facts: 'memory',
      url: 'https://docs.sglang.io/docs/hardware-platforms/ascend-npus/ascend_npu_reference',
      date: '2026-11-28',
    },
    {
      facts: 'resource, hosts, labels',
      url: 'https://www.hiascend.com/document/detail/en/mindcluster/730/clustersched/schedulingug/dlug_api_039.html',
      date: '2026-11-28',
    },
  ],
} as const satisfies Partial<Accelerator>

export const HUAWEI_ACCELERATORS: Readonly<Record<HuaweiId, Accelerator>> = {
  // There are 910B with 32 GB, too.
  'huawei-ascend-910b': { ...HUAWEI, name: 'Huawei Ascend 910B' },
  // A card has two dies, and each die is a device of its own to Kubernetes.
  'huawei-ascend-910c': { ...HUAWEI, name: 'Huawei Ascend 910C' },
}
