import * as k8s from '@pulumi/kubernetes'
import type * as pulumi from '@pulumi/pulumi'
import type { ResolvedModel, StackFile } from '../../catalog/index.ts'
import type { ClusterTarget } from '../clusters/target.ts'
import { weightsClaim } from '../names.ts'

export interface WeightsVolumeArgs {
  stack: StackFile
  model: ResolvedModel
  target: ClusterTarget
  namespace: pulumi.Input<string>
}

/** A claim by its name, which is known before it is made, and what must be there before pods start. */
export interface WeightsVolume {
  claim: string
  dependsOn: pulumi.Resource[]
}

/**
 * The claim that a model's pods mount. A claim that the stack file names is used as it is. Ours is
 * protected on existing clusters: `down` keeps the weights unless `--purge`.
 */
export function createWeightsVolume(
  args: WeightsVolumeArgs,
  opts: pulumi.CustomResourceOptions,
): WeightsVolume {
  const { choice, base, file } = args.model
  if (args.stack.cluster.kind === 'existing' && choice.weights?.from === 'pvc') {
    return { claim: choice.weights.claim, dependsOn: [] }
  }
  const name = weightsClaim(base.id)
  const size = `${Math.ceil((file.bytes * 1.1) / 2 ** 30)}Gi`
  if (args.target.weightsFolder !== undefined) {
    return createLocalVolume(name, size, args.target.weightsFolder, args, opts)
  }
  const claim = new k8s.core.v1.PersistentVolumeClaim(
    name,
    {
      metadata: { name, namespace: args.namespace },
      spec: {
        // Replicas may run on several nodes: all of them must be able to mount it.
        accessModes: [args.model.replicas > 1 ? 'ReadWriteMany' : 'ReadWriteOnce'],
        storageClassName: args.stack.storageClass,
        resources: { requests: { storage: size } },
      },
    },
    { ...opts, protect: true },
  )
  return { claim: name, dependsOn: [claim] }
}

/** The embedded cluster has no provisioner: a volume over the node's folder of verified weights. */
function createLocalVolume(
  name: string,
  size: string,
  folder: string,
  args: WeightsVolumeArgs,
  opts: pulumi.CustomResourceOptions,
): WeightsVolume {
  const volume = new k8s.core.v1.PersistentVolume(
    name,
    {
      metadata: { name },
      spec: {
        capacity: { storage: size },
        accessModes: ['ReadOnlyMany'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: '',
        hostPath: { path: folder, type: 'Directory' },
        claimRef: { namespace: args.namespace, name },
      },
    },
    opts,
  )
  const claim = new k8s.core.v1.PersistentVolumeClaim(
    name,
    {
      metadata: { name, namespace: args.namespace },
      spec: {
        accessModes: ['ReadOnlyMany'],
        storageClassName: '',
        volumeName: volume.metadata.name,
        resources: { requests: { storage: size } },
      },
    },
    opts,
  )
  return { claim: name, dependsOn: [claim] }
}
