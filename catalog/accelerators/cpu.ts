import type { Accelerator } from '../accelerator.ts'

/** No accelerator: it states no figures, so it needs no sources. */
export const CPU_ACCELERATORS: Readonly<Record<'cpu', Accelerator>> = {
  cpu: {
    name: 'CPU',
    maker: 'any',
    resource: undefined,
    memoryMiB: undefined,
    bandwidthGBs: undefined,
    engine: { image: 'cpu' },
    cpuArchitectures: ['amd64', 'arm64'],
    taint: undefined,
    nodeLabels: {},
    runtimeClassName: undefined,
    slices: [],
    deviceClass: undefined,
    sources: [],
  },
}
