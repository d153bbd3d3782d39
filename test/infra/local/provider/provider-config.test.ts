import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { diffProviders } from '../../../../infra/local/provider/provider-diff.ts'
import {
  clusterAccess,
  configProblems,
  parseConfig,
} from '../../../../infra/local/provider/provider-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'serantau-kubeconfig-'))
afterAll(() => rm(folder, { recursive: true }))

const kubeconfig = (server = 'https://one.example:6443') => `
apiVersion: v1
kind: Config
current-context: two
clusters:
  - { name: c1, cluster: { server: "${server}", certificate-authority: ca.crt } }
  - { name: c2, cluster: { server: "https://two.example:6443" } }
users: [{ name: u, user: { token: t } }]
contexts:
  - { name: one, context: { cluster: c1, user: u, namespace: team } }
  - { name: two, context: { cluster: c2, user: u } }
`

test('only the named context is used, with its namespace', async () => {
  const access = await clusterAccess(parseConfig({ kubeconfig: kubeconfig(), context: 'one' }))
  expect(access).toMatchObject({ server: 'https://one.example:6443', namespace: 'team' })
  expect(access.kubeConfig.getContexts().map((context) => context.name)).toEqual(['one'])
})

test('a file is read too, and its relative paths are beside it', async () => {
  const path = join(folder, 'config')
  writeFileSync(path, kubeconfig())
  const access = await clusterAccess(parseConfig({ kubeconfig: path, context: 'one' }))
  expect(access.kubeConfig.getCurrentCluster()?.caFile).toBe(join(folder, 'ca.crt'))
})

test('a context that is not there is named with those that are', async () => {
  const config = parseConfig({ kubeconfig: kubeconfig(), context: 'prod' })
  await expect(clusterAccess(config)).rejects.toThrow('a context named "prod", got one, two')
})

test('a kubeconfig that is not there is named', async () => {
  const config = parseConfig({ kubeconfig: join(folder, 'absent') })
  await expect(clusterAccess(config)).rejects.toThrow(join(folder, 'absent'))
})

test('an argument that cannot be honoured is an error, not a silence', () => {
  const properties = (args: Record<string, string>) =>
    configProblems(args).map((problem) => problem.property)
  expect(
    properties({ kubeconfig: 'x', context: 'y', suppressDeprecationWarnings: 'true' }),
  ).toEqual([])
  expect(properties({ renderYamlToDirectory: 'out' })).toEqual(['renderYamlToDirectory'])
  expect(properties({ enableServerSideApply: 'false' })).toEqual(['enableServerSideApply'])
  expect(properties({ enableServerSideApply: 'true' })).toEqual([])
})

test('flags arrive as JSON in a text', () => {
  const config = parseConfig({ enableSecretMutable: 'true', deleteUnreachable: 'false' })
  expect(config.mutable).toEqual({ configMap: false, secret: true })
  expect(config.deleteUnreachable).toBe(false)
})

test('only another cluster makes all objects anew', () => {
  const args = (server?: string, extra: Record<string, string> = {}) => ({
    kubeconfig: kubeconfig(server),
    context: 'one',
    ...extra,
  })
  const replaces = (before: ReturnType<typeof args>, after: ReturnType<typeof args>) =>
    diffProviders(before, after).changes.some((change) => change.replace)
  expect(diffProviders(args(), args()).changes).toEqual([])
  expect(replaces(args(), args('https://other.example'))).toBe(true)
  expect(replaces(args(), { ...args(), context: 'two' })).toBe(true)
  expect(replaces(args(), args(undefined, { namespace: 'x' }))).toBe(false)
  const named = { clusterIdentifier: 'same' }
  expect(replaces(args(undefined, named), args('https://moved.example', named))).toBe(false)
  expect(replaces(args(undefined, named), args(undefined, { clusterIdentifier: 'b' }))).toBe(true)
})
