import * as pulumi from '@pulumi/pulumi'
import { KitError } from '../catalog/index.ts'

/**
 * What the program throws. Pulumi shows a RunError by its message alone, which for our own errors is
 * all that a person needs.
 *
 * The stack loses the SDK's frames: its source maps name files such as `node_modules/@pulumi/run.ts`,
 * and Node (20 and 22) loops for ever when it colours a scoped path that ends there, so that plain
 * `pulumi up` would hang on any error instead of showing it.
 */
export function programError(cause: unknown): Error {
  const error =
    cause instanceof KitError
      ? new pulumi.RunError(cause.message)
      : cause instanceof Error
        ? cause
        : new Error(String(cause))
  const frames = (error.stack ?? error.message).split('\n')
  error.stack = frames.filter((line) => !line.includes('node_modules/@pulumi/')).join('\n')
  return error
}
