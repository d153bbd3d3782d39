import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startCluster, stopCluster, type LocalCluster } from '../../infra/local/cluster.ts'
import { run } from '../../infra/local/command.ts'
import { ensureTool } from '../../infra/local/toolchain.ts'
import { labelGuard } from '../../infra/nodes/label-guard.ts'
import {
  CLOUD_JURISDICTION_LABEL,
  CLOUD_POOL_LABEL,
  JURISDICTION_LABEL,
} from '../../infra/nodes/placement.ts'

const NAME = 'label-guard'
const KUBELET = ['--as=system:node:cards-1', '--as-group=system:nodes']

describe('the guard of labels, in a real API server', () => {
  let home: string
  let cluster: LocalCluster
  let kubernetes: string
  const kubectl = (args: string[], input?: object): Promise<string> =>
    run(
      kubernetes,
      ['kubectl', '--kubeconfig', cluster.kubeconfig, ...args],
      input === undefined ? {} : { input: JSON.stringify(input) },
    )
  /** As the kubelet of cards-1. */
  const relabel = (label: string, value: string, ...more: string[]) => {
    const patch = JSON.stringify({ metadata: { labels: { [label]: value } } })
    return kubectl(['patch', 'node', 'cards-1', '--patch', patch, ...KUBELET, ...more])
  }

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'serantau-label-guard-'))
    vi.stubEnv('SERANTAU_HOME', home)
    cluster = await startCluster(NAME, () => undefined)
    kubernetes = await ensureTool('kubernetes', () => undefined)
    const apiVersion = 'admissionregistration.k8s.io/v1'
    const { policy, binding } = labelGuard('ai')
    await kubectl(['apply', '-f', '-'], {
      ...{ apiVersion, kind: 'ValidatingAdmissionPolicy' },
      ...policy,
    })
    await kubectl(['apply', '-f', '-'], {
      ...{ apiVersion, kind: 'ValidatingAdmissionPolicyBinding' },
      ...binding,
    })
    // A kubelet says the labels of its node group as it joins.
    const labels = { [CLOUD_JURISDICTION_LABEL]: 'MY', [CLOUD_POOL_LABEL]: 'cards' }
    await kubectl(['create', '-f', '-', ...KUBELET], {
      ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'cards-1', labels } },
    })
    // The API server reads a new policy within a second or so.
    await vi.waitFor(
      () => expect(relabel(CLOUD_POOL_LABEL, 'probe', '--dry-run=server')).rejects.toThrow(),
      { timeout: 60_000, interval: 500 },
    )
  })
  afterAll(async () => {
    await stopCluster(NAME, () => undefined)
    vi.unstubAllEnvs()
    await rm(home, { recursive: true, force: true })
  })

  it('lets no node change its own jurisdiction or pool, by its status neither', async () => {
    const refused = /a node may not change its own label serantau\.local/
    await expect(relabel(CLOUD_JURISDICTION_LABEL, 'SG')).rejects.toThrow(refused)
    await expect(relabel(CLOUD_POOL_LABEL, 'other')).rejects.toThrow(refused)
    const node = JSON.parse(await kubectl(['get', 'node', 'cards-1', '-o', 'json'])) as {
      metadata: { labels: Record<string, string>; resourceVersion?: string }
    }
    const status = ['replace', '--raw=/api/v1/nodes/cards-1/status', '-f', '-', ...KUBELET]
    delete node.metadata.resourceVersion
    node.metadata.labels['example.com/by-status'] = 'yes'
    await kubectl(status, node)
    node.metadata.labels[CLOUD_JURISDICTION_LABEL] = 'SG'
    await expect(kubectl(status, node)).rejects.toThrow(refused)
    // The API server's own rule, for the labels of all other pools.
    await expect(relabel(JURISDICTION_LABEL, 'SG')).rejects.toThrow(/is not allowed to modify/)
  })

  it('lets it change what else it may, and the people of the cluster change these', async () => {
    await relabel('example.com/anything', 'new')
    await kubectl(['label', 'node', 'cards-1', '--overwrite', `${CLOUD_POOL_LABEL}=moved`])
    const labels = await kubectl(['get', 'node', 'cards-1', '-o', 'jsonpath={.metadata.labels}'])
    expect(JSON.parse(labels)).toMatchObject({
      [CLOUD_JURISDICTION_LABEL]: 'MY',
      [CLOUD_POOL_LABEL]: 'moved',
      'example.com/anything': 'new',
    })
  })
})
