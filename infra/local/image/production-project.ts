import { readFileSync, writeFileSync } from 'node:fs'

export interface PackageFile {
  name: string
  version: string
  dependencies: Record<string, string>
}

interface LockedPackage {
  version?: string
  dev?: boolean
  devOptional?: boolean
  optional?: boolean
  optionalDependencies?: Record<string, string>
}

export interface LockFile {
  packages: Record<string, LockedPackage>
}

export interface ProductionProject {
  package: PackageFile & { private: true; type: 'module' }
  lock: LockFile
}

/** npm package of the engine's binary for CPUs. */
export const engineBinary = (arch: string): string => `@node-llama-cpp/linux-${arch}`

/**
 * What the image installs: the project's dependencies as its lock pins them, plus one engine binary.
 * The engine's other binaries (CUDA, Vulkan, other systems: 600 MB) are its optional dependencies;
 * npm can omit only all of them, so the wanted one becomes a dependency and the rest leaves the lock.
 * A change of a development dependency changes nothing here, so it restarts no pod.
 */
export function productionProject(
  { name, version, dependencies }: PackageFile,
  { packages }: LockFile,
  binary: string,
): ProductionProject {
  const pinned = packages[`node_modules/${binary}`]?.version
  if (pinned === undefined) throw new Error(`package-lock.json does not pin ${binary}`)
  const root = { name, version, dependencies: { ...dependencies, [binary]: pinned } }
  const kept = Object.entries(packages).flatMap(([path, locked]) => {
    const wanted = path === `node_modules/${binary}`
    if (path === '' || locked.dev || locked.devOptional) return []
    if (locked.optional && !wanted) return []
    return [[path, { ...locked, optional: undefined, optionalDependencies: undefined }] as const]
  })
  const packagesOfImage: LockFile['packages'] = { '': root, ...Object.fromEntries(kept) }
  const lock = { name, version, lockfileVersion: 3, requires: true, packages: packagesOfImage }
  return { package: { ...root, private: true, type: 'module' }, lock }
}

// In server/Dockerfile, where nothing is installed yet: hence no import but Node's own.
if (import.meta.main) {
  const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
  const project = productionProject(
    read('package.json') as PackageFile,
    read('package-lock.json') as LockFile,
    engineBinary(process.arch),
  )
  writeFileSync('package.json', JSON.stringify(project.package, null, 2))
  writeFileSync('package-lock.json', JSON.stringify(project.lock))
}
