/** Types that keys and values can be kept in, and bytes of a value (ggml-common.h). */
export const CACHE_TYPES = { f16: 2, q8_0: 34 / 32, q4_0: 18 / 32 } as const
export type CacheType = keyof typeof CACHE_TYPES
/** The largest first. */
export const CACHE_TYPE_IDS = ['f16', 'q8_0', 'q4_0'] as const satisfies readonly CacheType[]
