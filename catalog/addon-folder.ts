/** Folder under node-llama-cpp that it loads a compiled addon from, ahead of the prebuilt one. */
export const addonFolder = (arch: string): string => `llama/localBuilds/linux-${arch}`
