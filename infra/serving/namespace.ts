import * as k8s from '@pulumi/kubernetes'
import type * as pulumi from '@pulumi/pulumi'
import type { StackFile } from '../../catalog/index.ts'

/** The namespace of the service. Pods that break Pod Security "restricted" are refused by the API server. */
export function createNamespace(
  { namespace: name }: Pick<StackFile, 'namespace'>,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Namespace {
  const labels = Object.fromEntries(
    ['enforce', 'audit', 'warn'].map((mode) => [
      `pod-security.kubernetes.io/${mode}`,
      'restricted',
    ]),
  )
  return new k8s.core.v1.Namespace('namespace', { metadata: { name, labels } }, opts)
}
