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

/** What computes beside the CPU; the engine's code for it comes prebuilt from npm. */
export type Accelerator = 'cuda' | 'vulkan'

/** npm packages of the engine's prebuilt native code. `cuda-ext` runs on drivers of CUDA 12. */
export function engineBinaries(arch: string, accelerator?: Accelerator): string[] {
  const name = `@node-llama-cpp/linux-${arch}`
  if (accelerator === undefined) return [name]
  if (accelerator === 'vulkan') return [`${name}-vulkan`]
  return [`${name}-cuda`, `${name}-cuda-ext`]
}

/**
 * What the image installs: the project's dependencies as its lock pins them, plus the engine binaries wanted.
 * The others (CUDA, Vulkan, other systems: 600 MB) are optional dependencies of the engine; npm can
 * omit only all of them, so the wanted ones become dependencies and the rest leaves the lock.
 * A change of a development dependency changes nothing here, so it restarts no pod.
 */
export function productionProject(
  { name, version, dependencies }: PackageFile,
  { packages }: LockFile,
  binaries: readonly string[],
): ProductionProject {
  const pinned = binaries.map((binary) => {
    const locked = packages[`node_modules/${binary}`]?.version
    if (locked === undefined) throw new Error(`package-lock.json does not pin ${binary}`)
    return [binary, locked] as const
  })
  const root = { name, version, dependencies: { ...dependencies, ...Object.fromEntries(pinned) } }
  const kept = Object.entries(packages).flatMap(([path, locked]) => {
    const wanted = binaries.some((binary) => path === `node_modules/${binary}`)
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
    engineBinaries(process.arch),
  )
  writeFileSync('package.json', JSON.stringify(project.package, null, 2))
  writeFileSync('package-lock.json', JSON.stringify(project.lock))
}
