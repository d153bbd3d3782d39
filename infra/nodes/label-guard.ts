import * as k8s from '@pulumi/kubernetes'
import type * as pulumi from '@pulumi/pulumi'
import { isCloudPool, type NodePool } from '../../catalog/node-pool.ts'
import { CLOUD_JURISDICTION_LABEL, CLOUD_POOL_LABEL } from './placement.ts'

/** Kubelets, by the group of their credentials. */
const KUBELETS = 'system:nodes'

/**
 * Clouds' node groups let a kubelet say its labels as it joins, and none that only others may set. From then on
 * this policy keeps them: a node that was taken over can't move into another jurisdiction or pool. Registered
 * once when a pool is a cloud's. The name is of the namespace: several stacks may share a cluster.
 */
export function createLabelGuard(
  pools: readonly NodePool[],
  namespace: string,
  opts: pulumi.CustomResourceOptions,
): void {
  if (!pools.some(isCloudPool)) return
  const { policy, binding } = labelGuard(namespace)
  const guard = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
    'node-labels',
    policy,
    opts,
  )
  new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding('node-labels', binding, {
    ...opts,
    dependsOn: [guard],
  })
}

/** The two objects (admissionregistration.k8s.io/v1, Kubernetes 1.30). Pure. */
export function labelGuard(namespace: string) {
  const name = `${namespace}-node-labels`
  return {
    policy: {
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: [''],
              apiVersions: ['v1'],
              operations: ['UPDATE'],
              // An update of the status may change labels as well.
              resources: ['nodes', 'nodes/status'],
            },
          ],
        },
        matchConditions: [
          { name: 'by-a-kubelet', expression: `'${KUBELETS}' in request.userInfo.groups` },
        ],
        validations: [CLOUD_JURISDICTION_LABEL, CLOUD_POOL_LABEL].map((label) => ({
          expression: `${valueOf('object', label)} == ${valueOf('oldObject', label)}`,
          message: `a node may not change its own label ${label}`,
        })),
      },
    },
    binding: {
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    },
  }
}

const valueOf = (of: 'object' | 'oldObject', label: string) =>
  `${of}.metadata.?labels[?'${label}'].orValue('')`
