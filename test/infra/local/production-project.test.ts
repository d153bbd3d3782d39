import { expect, test } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import packageLock from '../../../package-lock.json' with { type: 'json' }
import {
  engineBinaries,
  productionProject,
  type LockFile,
} from '../../../infra/local/image/production-project.ts'

const lock: LockFile = packageLock
const [binary = ''] = engineBinaries('x64')
const project = productionProject(packageJson, lock, [binary])
const installed = Object.keys(project.lock.packages)

test('the image installs the dependencies of the server at the versions of the lock', () => {
  for (const name of Object.keys(packageJson.dependencies)) {
    const path = `node_modules/${name}`
    expect(project.lock.packages[path]?.version).toBe(lock.packages[path]?.version)
  }
})

test('the image installs one binary of the engine', () => {
  expect(installed.filter((path) => path.includes('@node-llama-cpp/'))).toEqual([
    `node_modules/${binary}`,
  ])
  expect(project.package.dependencies[binary]).toBe(packageJson.dependencies['node-llama-cpp'])
})

test.each([
  ['cuda', ['@node-llama-cpp/linux-x64-cuda', '@node-llama-cpp/linux-x64-cuda-ext']],
  ['vulkan', ['@node-llama-cpp/linux-x64-vulkan']],
] as const)('an image for %s installs the binaries for it and no other', (accelerator, names) => {
  const binaries = engineBinaries('x64', accelerator)
  const { lock: locked } = productionProject(packageJson, lock, binaries)
  const paths = Object.keys(locked.packages).filter((path) => path.includes('@node-llama-cpp/'))
  expect(paths.sort()).toEqual(names.map((name) => `node_modules/${name}`))
  for (const name of names) {
    const { version } = locked.packages[`node_modules/${name}`] ?? {}
    expect(version).toBe(packageJson.dependencies['node-llama-cpp'])
  }
})

test('the image installs no development tool, but what its own packages need themselves', () => {
  const needed = Object.entries(packageLock.packages).flatMap(([path, entry]) =>
    path !== '' && installed.includes(path) && 'dependencies' in entry
      ? Object.keys(entry.dependencies)
      : [],
  )
  for (const name of Object.keys(packageJson.devDependencies)) {
    if (!needed.includes(name)) expect(installed).not.toContain(`node_modules/${name}`)
  }
})

test('a changed development dependency or script changes nothing in the image', () => {
  const changed = {
    ...lock,
    packages: {
      ...lock.packages,
      'node_modules/prettier': { version: '9.9.9', dev: true },
    },
  }
  const scripts = { ...packageJson, scripts: { other: 'true' } }
  expect(productionProject(scripts, changed, [binary])).toEqual(project)
})

test('a lock without the binary is an error that names it', () => {
  const packages = { ...lock.packages }
  delete packages[`node_modules/${binary}`]
  expect(() => productionProject(packageJson, { packages }, [binary])).toThrow(binary)
})
