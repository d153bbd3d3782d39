/** Why a pod or a node is not there. Every kind says what to do about it. */
export const FIXES = {
  quota:
    "ask the provider for a higher quota of this instance type in the region, or set the pool's instanceTypes to others",
  capacity:
    'the provider has none free: add a zone of the jurisdiction to the pool, other instanceTypes, or reserved capacity',
  limit: 'raise max of the pool, or lower replicas of the models on it',
  'instance type':
    "no instance type of the provider has what the pod asks for in these zones: correct the pool's accelerator, cards, instanceTypes or zones",
  taint:
    'the nodes keep other pods away by a taint that the accelerator is not known for: remove it from the nodes, or make a pool of kind existing without it',
  affinity:
    'no node has the labels of the jurisdiction and of the pool: see `kubectl get nodes --show-labels`; label the nodes of a pool of kind existing, and look at the pool below for those that are made',
  resources:
    'the nodes that match are full: raise max of the pool, lower cpu, memory or replicas of models, or see `kubectl describe node`',
  'volume zone':
    'its volume lies in a zone without a free node of the pool: add that zone to the pool, or use a storage class that several zones can mount',
  volume: 'see `kubectl describe pvc`: the claim is not bound, or cannot be mounted',
  image:
    'the node could not get the image: check its digest, imagePullSecrets and that the nodes reach the registry',
  config: 'a Secret or ConfigMap that the pod mounts is not there: run `up` again',
  admission:
    'the cluster refuses the pod: install the RuntimeClass or PriorityClass that it names, or change the policy that refuses it',
  memory: 'raise memory of the model, or lower slots or contextSize',
  crash: 'see its log: kubectl logs --previous; the server names the cause in its last line',
  driver:
    'the node is there but announces no accelerator: look at the pods of its driver and device plugin, and see docs/how-to/gpu-stack.md',
  'node not ready': 'see `kubectl describe node`, then the log of its kubelet',
  cordoned: 'somebody drains it: kubectl uncordon when the work is done',
  'node class':
    'the node class that nodeClassRef names is not there or not ready: see `kubectl describe` of it',
  credentials:
    "the provisioner's credentials are refused: renew them where Karpenter or Cluster API reads them",
  starting:
    'wait: a model is loaded and verified first; see startupSeconds of the chart for the longest',
  waiting: 'wait: a node takes some minutes; the pool below says when that fails',
  unknown: 'see `kubectl describe` of it',
} as const satisfies Record<string, string>

export type CauseKind = keyof typeof FIXES

export interface Cause {
  /** Pod, container, node or pool. */
  at: string
  kind: CauseKind
  /** In the cluster's own words, one line. */
  message: string
  /** ISO 8601; undefined: the cluster does not say. */
  since: string | undefined
  fix: string
}

const LONGEST_MESSAGE = 400

/** A cause of `kind` with its fix. Text of the cluster is cut, and has no line breaks or control characters. */
export function causeOf(
  at: string,
  kind: CauseKind,
  message: string,
  since: Date | string | undefined,
): Cause {
  const line = message.replace(/\p{Cc}+/gu, ' ').trim()
  const cut = line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}...` : line
  const time = since === undefined ? undefined : new Date(since).toISOString()
  return { at, kind, message: cut, since: time, fix: FIXES[kind] }
}

/** The first kind whose pattern the text has. */
export function classify(
  text: string,
  patterns: readonly (readonly [RegExp, CauseKind])[],
): CauseKind | undefined {
  return patterns.find(([pattern]) => pattern.test(text))?.[1]
}
