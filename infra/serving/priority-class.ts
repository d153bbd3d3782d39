import * as k8s from '@pulumi/kubernetes'
import type * as pulumi from '@pulumi/pulumi'
import type { StackFile } from '../../catalog/index.ts'

/** Above pods without a class (0), far below those of the cluster itself (2,000,000,000). */
const VALUE = 100_000

type Stack = Pick<StackFile, 'namespace' | 'nodePools' | 'priorityClass'>

/** Class of all pods; undefined: they have the cluster's default. PriorityClasses have no namespace, so the name has it. */
export const priorityClassOf = ({ namespace, nodePools, priorityClass }: Stack) =>
  priorityClass ?? (nodePools.length > 0 ? `serantau-${namespace}` : undefined)

/** Made where nodes are scarce, so that a batch job gives way to a model, and not the reverse. */
export function createPriorityClass(
  stack: Stack,
  opts: pulumi.CustomResourceOptions,
): k8s.scheduling.v1.PriorityClass | undefined {
  const name = priorityClassOf(stack)
  if (name === undefined || stack.priorityClass !== undefined) return undefined
  return new k8s.scheduling.v1.PriorityClass(
    'priority-class',
    {
      metadata: { name },
      value: VALUE,
      description: 'Pods of the model service; they take the place of pods with less',
    },
    opts,
  )
}
