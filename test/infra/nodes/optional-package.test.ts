import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ACCELERATORS } from '../../../catalog/accelerators/index.ts'
import { NodePoolSchema } from '../../../catalog/node-pool.ts'
import { OPTIONAL_PACKAGES, type OptionalPackage } from '../../../infra/nodes/optional-package.ts'
import project from '../../../package.json' with { type: 'json' }
import { ROOT } from '../../helpers/project.ts'

const run = promisify(execFile)
const names = Object.keys(OPTIONAL_PACKAGES) as OptionalPackage[]
const absent = names.filter((name) => !existsSync(join(ROOT, 'node_modules', name)))

const common = { name: 'cards', accelerator: 'nvidia-l4', cluster: 'gov', max: 2 }
const POOLS: Record<OptionalPackage, object> = {
  '@pulumi/aws': {
    ...common,
    ...{ provisioner: 'eks', region: 'ap-southeast-5', instanceType: 'g6.xlarge' },
    ...{ nodeRoleArn: 'arn:aws:iam::1:role/nodes', subnets: { 'ap-southeast-5a': 'subnet-a' } },
  },
  '@pulumi/gcp': {
    ...common,
    ...{ provisioner: 'gke', region: 'asia-southeast2', instanceType: 'g2-standard-4' },
    project: 'gov',
  },
  '@pulumi/azure-native': {
    ...common,
    ...{ provisioner: 'aks', region: 'malaysiawest', instanceType: 'Standard_NV36ads_A10_v5' },
    resourceGroup: 'gov',
  },
}

interface Thrown {
  code?: string
  message?: string
}

/** What a call of a file of ours throws in a Node of its own, which finds packages as `up` does. */
async function thrownBy(file: string, call: string): Promise<Thrown> {
  const code = `
    const file = await import(${JSON.stringify(join(ROOT, file))})
    const thrown = await Promise.resolve(file.${call}).then(() => ({}), (error) => error)
    console.log(JSON.stringify({ code: thrown.code, message: thrown.message }))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code])
  return JSON.parse(stdout) as Thrown
}

describe("a cloud's package", () => {
  test.each(absent)('%s that is not installed is named with version and command', async (name) => {
    const pool = NodePoolSchema.parse(POOLS[name])
    const args = { pool, accelerator: ACCELERATORS[pool.accelerator] }
    const { provisioner } = pool
    const call = `${provisioner}(${JSON.stringify(args)}, {})`
    const { code, message } = await thrownBy(`infra/nodes/${provisioner}.ts`, call)
    expect(code).toBe('PACKAGE_MISSING')
    expect(message).toContain(`serantau:nodePools "cards": expected the package ${name}`)
    expect(message).toContain(`npm install --save-exact ${name}@${OPTIONAL_PACKAGES[name]}`)
  })

  test('with a fault of its own is not taken for a missing one', async () => {
    const faulty = JSON.stringify('data:text/javascript,throw new Error("its own") //')
    const call = `optionalFile('here', ${faulty}, 'x.js')`
    expect(await thrownBy('infra/nodes/optional-package.ts', call)).toEqual({ message: 'its own' })
  })

  test('is an optional peer in package.json, of the version that the message names or a later one', () => {
    const { peerDependencies, peerDependenciesMeta } = project
    expect(peerDependencies).toEqual(
      Object.fromEntries(names.map((name) => [name, `^${OPTIONAL_PACKAGES[name]}`])),
    )
    for (const name of names) expect(peerDependenciesMeta[name]).toEqual({ optional: true })
  })

  test('is installed by no `npm ci`', async () => {
    const lock = await import('../../../package-lock.json', { with: { type: 'json' } })
    const installed = Object.keys(lock.default.packages)
    expect(installed).toContain('node_modules/@pulumi/pulumi')
    expect(installed.filter((path) => names.some((name) => path.endsWith(name)))).toEqual([])
  })
})
