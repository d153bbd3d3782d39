/** Names that compilers emit instructions for by themselves; `hypervisor` and the like are none. */
const X86_FEATURE =
  /^(sse|ssse|avx|amx|fma|f16c|bmi|abm|popcnt|movbe|aes|vaes|gfni|sha|pclmul|vpclmul|adx)/

/** The first CPU in the text of /proc/cpuinfo: its model and its sets of instructions, sorted. */
export function cpuOf(cpuinfo: string): { model: string; features: string[] } {
  const field = (name: string) =>
    new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(cpuinfo)?.[1]?.trim()
  const x86 = field('flags')?.split(/\s+/)
  const features = x86?.filter((flag) => X86_FEATURE.test(flag)) ?? field('Features')?.split(/\s+/)
  const part = [field('CPU implementer'), field('CPU part')].filter((text) => text !== undefined)
  return {
    model: field('model name') ?? (part.length > 0 ? part.join(' ') : 'unknown'),
    features: [...new Set(features ?? [])].sort(),
  }
}
