import * as k8s from '@pulumi/kubernetes'
import * as pulumi from '@pulumi/pulumi'
import type { ResolvedModel, StackFile } from '../../catalog/index.ts'
import type { ClusterTarget } from '../clusters/target.ts'
import { GATEWAY, KEYS_SECRET } from '../names.ts'
import { gatewayValues } from './helm-values.ts'

export interface GatewayArgs {
  stack: StackFile
  models: readonly ResolvedModel[]
  target: ClusterTarget
  namespace: pulumi.Input<string>
  keys: k8s.core.v1.Secret
  priorityClass: k8s.scheduling.v1.PriorityClass | undefined
}

/** The one endpoint of the stack, which routes by `model`. */
export class Gateway extends pulumi.ComponentResource {
  constructor(name: string, args: GatewayArgs, opts: pulumi.ComponentResourceOptions) {
    super('serantau:serving:Gateway', name, {}, opts)
    new k8s.helm.v4.Chart(
      GATEWAY,
      {
        chart: '../charts/gateway',
        namespace: args.namespace,
        values: gatewayValues({
          stack: args.stack,
          models: args.models,
          image: args.target.image,
          keysSecret: KEYS_SECRET,
          clusterIP: args.target.gatewayServiceIp,
          hostCidr: args.target.hostCidr,
          apiServerCidr: args.target.apiServerCidr,
        }),
      },
      { parent: this, dependsOn: [args.keys, ...(args.priorityClass ? [args.priorityClass] : [])] },
    )
    this.registerOutputs({})
  }
}
