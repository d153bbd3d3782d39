import * as k8s from '@pulumi/kubernetes'
import * as pulumi from '@pulumi/pulumi'
import { ACCELERATORS } from '../../catalog/accelerators/index.ts'
import type { ResolvedModel, StackFile } from '../../catalog/index.ts'
import type { ClusterTarget } from '../clusters/target.ts'
import type { Placement } from '../nodes/placement.ts'
import { KEYS_SECRET, modelRelease } from '../names.ts'
import { modelServerValues } from './helm-values.ts'
import { readSystemPrompts } from './system-prompts.ts'
import { createWeightsVolume } from './weights-volume.ts'

export interface ModelServerArgs {
  stack: StackFile
  model: ResolvedModel
  /** Folder of the stack file. */
  project: string
  target: ClusterTarget
  placement: Placement | undefined
  namespace: pulumi.Input<string>
  /** The pods wait for these: they mount them, or are of the class. */
  keys: k8s.core.v1.Secret
  caBundle: k8s.core.v1.ConfigMap | undefined
  priorityClass: k8s.scheduling.v1.PriorityClass | undefined
}

/** The variant for the accelerator of its pool. On the embedded cluster, whose cards are simulated, its own. */
function imageOf({ stack, model, target }: ModelServerArgs): string {
  if (model.pool === undefined) return target.image
  const { engine } = ACCELERATORS[model.pool.accelerator]
  if ('refused' in engine || engine.image === 'cpu') return target.image
  return stack.acceleratorImages[engine.image] ?? target.image
}

/** One base model: the volume of its weights and the Deployment that serves it. */
export class ModelServer extends pulumi.ComponentResource {
  /** Release, Deployment and Service name. */
  readonly release: string

  constructor(name: string, args: ModelServerArgs, opts: pulumi.ComponentResourceOptions) {
    super('serantau:serving:ModelServer', name, {}, opts)
    this.release = modelRelease(args.model.base.id)
    const weights = createWeightsVolume(args, { parent: this })
    new k8s.helm.v4.Chart(
      this.release,
      {
        chart: '../charts/model-server',
        namespace: args.namespace,
        values: modelServerValues({
          stack: args.stack,
          model: args.model,
          image: imageOf(args),
          placement: args.placement,
          keysSecret: KEYS_SECRET,
          weightsClaim: weights.claim,
          systemPrompts: readSystemPrompts(args.project, args.stack, args.model),
          local: args.target.weightsFolder !== undefined,
        }),
      },
      {
        parent: this,
        dependsOn: [
          ...[args.keys, ...weights.dependsOn],
          ...[args.caBundle, args.priorityClass].filter((resource) => resource !== undefined),
        ],
      },
    )
    this.registerOutputs({ release: this.release })
  }
}
