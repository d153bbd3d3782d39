import { KitError } from '../catalog/index.ts'

/** Follows from another error, and says nothing about the cause. */
const CONSEQUENCE = /resource monitor shut down|client connection is closing|^update failed$/

/**
 * What a person needs of a deployment that failed. Pulumi's own report is long: the engine's error
 * messages tell the causes, each without the stack of the SDK.
 */
export function deployFailed(messages: readonly string[], error: Error): KitError {
  const told = messages.map(withoutStack).filter((message) => !CONSEQUENCE.test(message))
  const causes = told.length > 0 ? [...new Set(told)] : [withoutStack(error.message)]
  if (causes.some((cause) => cause.includes("resource plugin 'pulumi-resource-kubernetes'"))) {
    return new KitError('PROVIDER_MISSING', providerMissing, { cause: error })
  }
  return new KitError(
    'DEPLOY_FAILED',
    causes.map((cause) => ({
      path: 'deployment',
      expected: 'every object to reach its state',
      got: cause,
      fix: 'mend the cause and run the command again: what was done is kept and continued',
    })),
    { cause: error },
  )
}

const providerMissing = {
  path: 'serantau:provider',
  expected: "Pulumi's official Kubernetes provider",
  got: 'no such plugin here, and it could not be downloaded',
  fix: 'install it by hand (`pulumi plugin install resource kubernetes v4.34.2 --file ...`), or set serantau:provider: offline',
}

const withoutStack = (message: string): string =>
  message
    .split('\n')
    .filter((line) => !/^\s+at /.test(line))
    .join('\n')
    .trim()
