import type {
  GatewayValues,
  ModelServerValues,
  ResolvedModel,
  StackFile,
} from '../../catalog/index.ts'
import { insideAffinity, type Placement } from '../nodes/placement.ts'
import { priorityClassOf } from './priority-class.ts'
import { API_PORT, CA_BUNDLE, GATEWAY, modelRelease } from '../names.ts'
import { drainOfHeld, gatewayScaling, modelScaling, scalingAccess } from './scaling-values.ts'

/** Where the ServingConfig says that the verified file lies in the pod. */
const WEIGHTS_MOUNT = '/weights'

/**
 * One machine carries the control plane and every pod: they share its cores instead of reserving
 * them, or a second model would not fit on two.
 */
const LOCAL_CPU_REQUEST = '50m'

export interface GatewayInput {
  stack: StackFile
  models: readonly ResolvedModel[]
  image: string
  keysSecret: string
  /** Fixed address of the Service. */
  clusterIP?: string
  /** Allowed to call the gateway beside `expose.allowFrom`. */
  hostCidr?: string
  /** Where the API server is, instead of `scaling.apiServer.cidrs`. */
  apiServerCidr?: string
}

/** Values of charts/gateway. No secret is among them. */
export function gatewayValues(input: GatewayInput): GatewayValues {
  const { stack, models } = input
  const { namespaces, cidrs } = stack.expose.allowFrom
  return {
    fullnameOverride: GATEWAY,
    image: input.image,
    imagePullSecrets: stack.imagePullSecrets,
    keys: { existingSecret: input.keysSecret },
    replicas: stack.gatewayReplicas,
    config: {
      role: 'gateway',
      models: models.map((model) => ({
        ...servedModel(model),
        url: `http://${modelRelease(model.base.id)}.${stack.namespace}.svc:${API_PORT}`,
        ...modelScaling(model),
      })),
      ...gatewayScaling(stack, models),
    },
    ...scalingAccess(stack, models, input.apiServerCidr),
    ...drainOfHeld(stack, models),
    expose: {
      ...stack.expose,
      allowFrom: { namespaces, cidrs: input.hostCidr ? [...cidrs, input.hostCidr] : cidrs },
    },
    service: { clusterIP: input.clusterIP ?? null },
    resources: { cpu: 1, cpuRequest: '100m', memory: '384Mi' },
    // It reads every prompt: with pools, on nodes that are known to be inside alone.
    ...(stack.nodePools.length > 0
      ? { affinity: insideAffinity(stack.jurisdiction, stack.nodePools) }
      : {}),
    ...priorityValues(stack),
    // The chart's own test is for people who install it with Helm.
    helmTest: false,
  }
}

export interface ModelServerInput {
  stack: StackFile
  model: ResolvedModel
  image: string
  keysSecret: string
  /** PersistentVolumeClaim that the pods mount. */
  weightsClaim: string
  /** Texts of the files that the stack file lists. */
  systemPrompts: readonly string[]
  /** Nodes that it runs on; absent: the cluster chooses. */
  placement: Placement | undefined
  /** The embedded cluster. */
  local: boolean
}

/** Values of charts/model-server. */
export function modelServerValues(input: ModelServerInput): ModelServerValues {
  const { stack, model, local } = input
  const { choice, base } = model
  const weights = local ? undefined : choice.weights
  const path = weights?.from === 'pvc' ? weights.path : null
  return {
    fullnameOverride: modelRelease(base.id),
    image: input.image,
    imagePullSecrets: stack.imagePullSecrets,
    keys: { existingSecret: input.keysSecret },
    // What scales it owns the field.
    ...(model.bounds === undefined
      ? { replicas: model.replicas }
      : { replicas: null, maxReplicas: model.replicas }),
    // A claim that one node mounts would keep the new pod waiting for the old one's node.
    surge: weights?.from === 'url' || mountsOnOneNode(model) ? 'never' : 'auto',
    config: {
      role: 'model',
      model: {
        ...servedModel(model),
        file: `${WEIGHTS_MOUNT}/${path ?? `sha256/${model.file.sha256}.gguf`}`,
        bytes: model.file.bytes,
        contextSize: model.contextSize,
        slots: choice.slots,
        cacheType: choice.cacheType,
        chat: base.chat,
        maxQueued: choice.maxQueued,
        firstTokenMs: choice.firstTokenMs,
        interTokenMs: choice.interTokenMs,
        systemPrompts: [...input.systemPrompts],
        ...(input.placement?.accelerator === undefined ? {} : { gpu: true }),
      },
    },
    state: stateValues(stack, model),
    prefixCache: { memory: choice.prefixCache?.memory ?? null },
    weights: {
      bytes: model.file.bytes,
      existingClaim: input.weightsClaim,
      path,
      ...(weights?.from === 'url' ? downloadValues(stack, weights.url) : {}),
    },
    resources: {
      cpu: choice.cpu,
      ...(local ? { cpuRequest: LOCAL_CPU_REQUEST } : {}),
      memory: choice.memory,
      ...(input.placement?.accelerator === undefined
        ? {}
        : { accelerator: input.placement.accelerator }),
    },
    ...placementValues(stack, input.placement),
    helmTest: false,
  }
}

function placementValues(stack: StackFile, placement: Placement | undefined) {
  const { affinity, tolerations, runtimeClassName } = placement ?? {}
  return {
    ...(affinity === undefined
      ? {}
      : { affinity: { ...affinity }, tolerations: [...(tolerations ?? [])] }),
    ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
    ...priorityValues(stack),
  }
}

const priorityValues = (stack: StackFile) => {
  const priorityClassName = priorityClassOf(stack)
  return priorityClassName === undefined ? {} : { priorityClassName }
}

/** The claim of states that is made; the chart's own default, the pod's disk, needs none. */
const mountsOnOneNode = ({ choice, replicas }: ResolvedModel): boolean =>
  choice.state !== undefined && 'size' in choice.state && replicas === 1

function stateValues({ storageClass }: StackFile, model: ResolvedModel) {
  const { state } = model.choice
  if (state === undefined) return {}
  if ('claim' in state) return { existingClaim: state.claim }
  const accessMode = mountsOnOneNode(model) ? 'ReadWriteOnce' : 'ReadWriteMany'
  return { size: state.size, storageClass: storageClass ?? null, accessMode } as const
}

function downloadValues(stack: StackFile, url: string): Partial<ModelServerValues['weights']> {
  return {
    url,
    proxy: stack.proxy ?? null,
    caBundle: stack.caBundle ? { configMap: CA_BUNDLE, key: 'ca.pem' } : null,
  }
}

const servedModel = ({ base, file }: ResolvedModel) => ({
  id: base.id,
  digest: file.sha256,
  licence: base.licence.id,
})
