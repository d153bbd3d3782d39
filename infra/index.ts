import * as k8s from '@pulumi/kubernetes'
import * as pulumi from '@pulumi/pulumi'
import { resolveModels, type StackFile } from '../catalog/index.ts'
import { existingCluster } from './clusters/existing.ts'
import { localCluster } from './clusters/local.ts'
import type { ClusterTarget } from './clusters/target.ts'
import { readStackFile } from './config.ts'
import { assignModels } from './nodes/assign.ts'
import { createGpuStack } from './nodes/gpu-stack.ts'
import { createNodePools } from './nodes/node-pools.ts'
import type { Outputs } from './outputs.ts'
import { programError } from './program-error.ts'
import { createCaBundle } from './serving/ca-bundle.ts'
import { Gateway } from './serving/gateway.ts'
import { createKeysSecret } from './serving/keys-secret.ts'
import { ModelServer } from './serving/model-server.ts'
import { createNamespace } from './serving/namespace.ts'
import { createPriorityClass } from './serving/priority-class.ts'
import { projectFolder } from './project-folder.ts'

/** The whole deployment, in order. */
export default async function deploy(): Promise<Outputs> {
  try {
    const stack = readStackFile()
    const models = resolveModels(stack)
    const placements = assignModels(models, stack.jurisdiction)
    const target = await connect(stack)

    const provider = new k8s.Provider('kubernetes', {
      kubeconfig: target.kubeconfig,
      context: target.context,
      clusterIdentifier: target.identifier,
      // Pods re-read keys and configuration: both change in place, never by delete and create.
      enableSecretMutable: true,
      enableConfigMapMutable: true,
      // The embedded cluster is ours alone: what a killed `up` made without noting it is taken over.
      upsertExistingObjects: stack.cluster.kind === 'local',
    })
    const nodePools = await createNodePools(stack, target, { provider })
    createGpuStack(stack, projectFolder(), { provider })
    const priorityClass = createPriorityClass(stack, { provider })
    const namespace = stack.createNamespace
      ? createNamespace(stack, { provider }).metadata.name
      : pulumi.output(stack.namespace)
    const inNamespace = { stack, target, namespace, project: projectFolder() }
    const keys = createKeysSecret(stack.keys, namespace, { provider })
    const caBundle = createCaBundle(stack.caBundle, namespace, { provider })
    for (const model of models) {
      const placement = placements.get(model.base.id)
      const args = { ...inNamespace, model, placement, keys, caBundle, priorityClass }
      new ModelServer(model.base.id, args, { provider })
    }
    new Gateway('gateway', { ...inNamespace, models, keys, priorityClass }, { provider })

    return {
      endpoint: endpointOf(stack, target),
      models: models.map(({ base, file }) => ({
        id: base.id,
        digest: `sha256:${file.sha256}`,
        licence: base.licence.id,
      })),
      jurisdiction: stack.jurisdiction,
      nodePools,
    }
  } catch (error) {
    throw programError(error)
  }
}

async function connect(stack: StackFile): Promise<ClusterTarget> {
  switch (stack.cluster.kind) {
    case 'local':
      return localCluster(stack.cluster.name)
    case 'existing':
      return existingCluster(stack)
  }
}

function endpointOf(stack: StackFile, target: ClusterTarget): string {
  if (stack.expose.kind !== 'clusterIP') return `https://${stack.expose.host}/v1`
  const host = target.gatewayServiceIp ?? `gateway.${stack.namespace}.svc`
  return `http://${host}:8080/v1`
}
