import { createRequire } from 'node:module'

const { version } = createRequire(import.meta.url)('@pulumi/kubernetes/package.json') as {
  version: string
}

/** The engine looks for the plugin of the SDK's own version. */
export const OFFLINE_PROVIDER_VERSION = version
