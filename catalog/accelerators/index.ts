import type { Accelerator, AcceleratorId } from '../accelerator.ts'
import { AMD_ACCELERATORS } from './amd.ts'
import { CPU_ACCELERATORS } from './cpu.ts'
import { HUAWEI_ACCELERATORS } from './huawei.ts'
import { INTEL_ACCELERATORS } from './intel.ts'
import { NVIDIA_ACCELERATORS } from './nvidia.ts'

export const ACCELERATORS: Readonly<Record<AcceleratorId, Accelerator>> = {
  ...CPU_ACCELERATORS,
  ...NVIDIA_ACCELERATORS,
  ...AMD_ACCELERATORS,
  ...INTEL_ACCELERATORS,
  ...HUAWEI_ACCELERATORS,
}
