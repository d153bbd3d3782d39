import { z } from 'zod'

const PackageSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  dependencies: z.record(z.string(), z.string()),
})
const LockedSchema = z.looseObject({
  version: z.string().optional(),
  dev: z.boolean().optional(),
  devOptional: z.boolean().optional(),
  optional: z.boolean().optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
})
const LockSchema = z.looseObject({ packages: z.record(z.string(), LockedSchema) })

export interface ProductionProject {
  package: Record<string, unknown>
  lock: Record<string, unknown>
}

/**
 * What the image installs: the project's dependencies as its lock pins them, plus one engine binary.
 * The engine's other binaries (CUDA, Vulkan, other systems: 600 MB) are its optional dependencies;
 * npm can omit only all of them, so the wanted one becomes a dependency and the rest leaves the lock.
 * A change of a development dependency changes nothing here, so it restarts no pod.
 *
 * @param binary npm package of the binary, e.g. `@node-llama-cpp/linux-x64`
 */
export function productionProject(
  packageJson: unknown,
  lockJson: unknown,
  binary: string,
): ProductionProject {
  const { name, version, dependencies } = PackageSchema.parse(packageJson)
  const { packages } = LockSchema.parse(lockJson)
  const pinned = packages[`node_modules/${binary}`]?.version
  if (pinned === undefined) throw new Error(`package-lock.json does not pin ${binary}`)
  const root = { name, version, dependencies: { ...dependencies, [binary]: pinned } }
  const kept = Object.entries(packages).flatMap(([path, locked]) => {
    const wanted = path === `node_modules/${binary}`
    if (path === '' || locked.dev || locked.devOptional) return []
    if (locked.optional && !wanted) return []
    return [[path, { ...locked, optional: undefined, optionalDependencies: undefined }] as const]
  })
  return {
    package: { ...root, private: true, type: 'module' },
    lock: {
      name,
      version,
      lockfileVersion: 3,
      requires: true,
      packages: { '': root, ...Object.fromEntries(kept) },
    },
  }
}
