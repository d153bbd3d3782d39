/**
 * Options for `getLlama` that make it load the compiled addon or the prebuilt one. A compiled one is
 * found by its options, the prebuilt one by none: these are no compiled one's.
 */
export const addonOptions = (compiled: boolean): { cmakeOptions?: Record<string, string> } =>
  compiled ? {} : { cmakeOptions: { SERANTAU_PREBUILT: '1' } }
