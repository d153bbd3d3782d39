import { describe, expect, test } from 'vitest'
import { ACCELERATORS } from '../../../catalog/accelerators/index.ts'
import { NodePoolSchema, type NodePool } from '../../../catalog/node-pool.ts'
import { JurisdictionSchema } from '../../../catalog/stack-file.ts'
import { createLabelGuard, labelGuard } from '../../../infra/nodes/label-guard.ts'
import { insideAffinity, placementOf } from '../../../infra/nodes/placement.ts'
import { mockClouds, settled } from '../../helpers/cloud-packages.ts'

const jurisdiction = JurisdictionSchema.parse({ country: 'MY', regions: ['malaysiawest'] })
const common = { name: 'cards', accelerator: 'nvidia-h100' }
const aks = NodePoolSchema.parse({
  ...{ ...common, provisioner: 'aks', cluster: 'gov', max: 1 },
  ...{ region: 'malaysiawest', instanceType: 'any', resourceGroup: 'gov' },
})
const existing = NodePoolSchema.parse({ ...common, provisioner: 'existing' })
const H100 = ACCELERATORS['nvidia-h100']

const keys = (affinity: object) =>
  (
    affinity as ReturnType<typeof insideAffinity>
  ).nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.map(
    ({ matchExpressions }) => matchExpressions.map(({ key, values }) => `${key}=${values.join()}`),
  )

describe("pods of a cloud's pool", () => {
  test('ask for the labels that the cloud lets its node groups have', () => {
    expect(keys(placementOf(aks, H100, jurisdiction, 1).affinity)).toEqual([
      ['serantau.local/jurisdiction=MY', 'serantau.local/pool=cards'],
    ])
  })

  test('ask for no runtime class where the image of the nodes has the driver', () => {
    expect(placementOf(aks, H100, jurisdiction, 1).runtimeClassName).toBeUndefined()
    const own = { ...aks, driver: 'own' } as NodePool
    expect(placementOf(own, H100, jurisdiction, 1).runtimeClassName).toBe('nvidia')
    expect(placementOf(existing, H100, jurisdiction, 1).runtimeClassName).toBeUndefined()
    const named = { ...existing, runtimeClass: 'nvidia' } as NodePool
    expect(placementOf(named, H100, jurisdiction, 1).runtimeClassName).toBe('nvidia')
  })

  test("tolerate Azure's taint of spot nodes in a pool of them alone", () => {
    const tolerated = (pool: NodePool) =>
      placementOf(pool, H100, jurisdiction, 1).tolerations.map(({ key }) => key)
    expect(tolerated(aks)).toEqual(['nvidia.com/gpu'])
    expect(tolerated({ ...aks, spot: true } as NodePool)).toEqual([
      'nvidia.com/gpu',
      'kubernetes.azure.com/scalesetpriority',
    ])
  })

  test("go by a cloud's label beside the restricted one where it is guarded alone", () => {
    const restricted = ['serantau.node-restriction.kubernetes.io/jurisdiction=MY']
    expect(keys(insideAffinity(jurisdiction, [existing]))).toEqual([restricted])
    expect(keys(insideAffinity(jurisdiction, [existing, aks]))).toEqual([
      restricted,
      ['serantau.local/jurisdiction=MY'],
    ])
  })
})

describe('the guard of labels', () => {
  test('is registered once where a pool is of a cloud, and not otherwise', async () => {
    const registered = await mockClouds({})
    createLabelGuard([existing], 'ai', {})
    createLabelGuard([aks, existing, { ...aks, name: 'other' }], 'ai', {})
    await settled(registered, 2)
    expect(registered.map(({ type, name }) => [type, name])).toEqual([
      ['kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy', 'node-labels'],
      [
        'kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding',
        'node-labels',
      ],
    ])
    expect(registered[0]?.inputs).toMatchObject(labelGuard('ai').policy)
    expect(registered[1]?.inputs).toMatchObject({ spec: { policyName: 'ai-node-labels' } })
  })

  test('covers the status too, by which labels can be changed as well', () => {
    const [rule] = labelGuard('ai').policy.spec.matchConstraints.resourceRules
    expect(rule?.resources).toEqual(['nodes', 'nodes/status'])
  })
})
