import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cacheKey, moduleFolder } from '../../../infra/local/toolchain/cache.ts'
import { TOOLS, type ToolName, serves } from '../../../infra/local/toolchain/table.ts'

/** The Go module whose version a tool carries; ours have none. */
const MODULES: Partial<Record<ToolName, string>> = {
  pulumi: 'github.com/pulumi/pulumi/pkg/v3',
  kubernetes: 'k8s.io/kubernetes',
  coredns: 'github.com/coredns/coredns',
  'network-policy': 'sigs.k8s.io/kube-network-policies',
  helm: 'helm.sh/helm/v3',
  'helm-unittest': 'github.com/helm-unittest/helm-unittest',
  kwok: 'sigs.k8s.io/kwok',
  'karpenter-kwok': 'sigs.k8s.io/karpenter',
}

describe('the table of tools', () => {
  it.each(Object.entries(MODULES))(
    'names the version of %s that its module pins',
    async (name, module) => {
      const text = await readFile(join(moduleFolder(name as ToolName), 'go.mod'), 'utf8')
      const pinned = text.split('\n').flatMap((line) => {
        const [path, version] = line
          .replace(/^require /, '')
          .trim()
          .split(' ')
        return path === module && version?.startsWith('v') ? [version] : []
      })
      expect(pinned).toContain(`v${TOOLS[name as ToolName].version}`)
    },
  )

  it('names the version of Pulumi that the program is written for', async () => {
    const text = await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8')
    const { devDependencies } = JSON.parse(text) as { devDependencies: Record<string, string> }
    expect(devDependencies['@pulumi/pulumi']).toBe(TOOLS.pulumi.version)
  })

  it('gives another cache entry for another version, flag or package', async () => {
    const row = TOOLS.sandbox
    const keys = await Promise.all([
      cacheKey('sandbox', row),
      cacheKey('sandbox', { ...row, version: '2' }),
      cacheKey('sandbox', { ...row, ldflags: ['-X main.version=2'] }),
      cacheKey('sandbox', { ...row, package: './other' }),
      cacheKey('coredns', row),
    ])
    expect(new Set(keys).size).toBe(keys.length)
    expect(await cacheKey('sandbox', { ...row })).toBe(keys[0])
  })

  it.each([
    ['3.259.0', true],
    ['3.259.1', true],
    ['3.300.0', true],
    ['3.258.9', false],
    ['4.0.0', false],
    ['2.999.0', false],
    ['0', false],
  ])('takes an installed %s for 3.259.0: %s', (found, expected) => {
    expect(serves(found, '3.259.0')).toBe(expected)
  })
})
