import type * as pulumi from '@pulumi/pulumi'
import { KitError } from '../../catalog/errors.ts'

/**
 * Clouds' packages of Pulumi, by the version that the kit's resources were compared with. Each takes 60 to
 * 100 MB on disk, so people install the one that they need; package.json names them as optional peers.
 */
export const OPTIONAL_PACKAGES = {
  '@pulumi/aws': '7.48.0',
  '@pulumi/gcp': '9.37.0',
  '@pulumi/azure-native': '3.28.0',
} as const
export type OptionalPackage = keyof typeof OPTIONAL_PACKAGES

/** A class of such a package, as far as it is used. */
export type ResourceClass<Args, Resource = pulumi.CustomResource> = new (
  name: string,
  args: Args,
  opts?: pulumi.CustomResourceOptions,
) => Resource

/**
 * One file of an optional package: a whole package takes seconds to load. `path` is what needs it, for
 * the message. Throws KitError PACKAGE_MISSING.
 */
export async function optionalFile<Module>(
  path: string,
  name: OptionalPackage,
  file: string,
): Promise<Module> {
  try {
    const module = (await import(`${name}/${file}`)) as { default: Module }
    return module.default
  } catch (cause) {
    if (!isMissing(cause)) throw cause
    const version = OPTIONAL_PACKAGES[name]
    throw new KitError(
      'PACKAGE_MISSING',
      {
        path,
        expected: `the package ${name}, of which ${version} is known to work`,
        got: 'none, or one without this part',
        fix: `npm install --save-exact ${name}@${version}`,
      },
      { cause },
    )
  }
}

const isMissing = (cause: unknown) => {
  const { code } = cause as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
}
