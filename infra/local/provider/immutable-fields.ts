import type { ObjectType } from './object-type.ts'
import type { Path } from './property-value.ts'

/**
 * Fields that the API server refuses to change (or that only take effect on a new object), by
 * group/kind: a change replaces the object. `*` stands for any index of a list.
 */
const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  '/ConfigMap': ['data', 'binaryData'],
  '/Secret': ['type', 'data', 'stringData'],
  '/Service': ['spec.clusterIP'],
  '/PersistentVolume': [
    'spec.awsElasticBlockStore',
    'spec.azureDisk',
    'spec.azureFile',
    'spec.cephfs',
    'spec.cinder',
    'spec.csi',
    'spec.fc',
    'spec.flexVolume',
    'spec.gcePersistentDisk',
    'spec.glusterfs',
    'spec.hostPath',
    'spec.iscsi',
    'spec.local',
    'spec.nfs',
    'spec.nodeAffinity',
    'spec.rbd',
    'spec.volumeMode',
    'spec.vsphereVolume',
  ],
  // Not spec.resources: a claim may grow in place, and replacing it would lose what it holds.
  '/PersistentVolumeClaim': [
    'spec.accessModes',
    'spec.selector',
    'spec.storageClassName',
    'spec.volumeMode',
    'spec.volumeName',
  ],
  '/Pod': [
    'spec.affinity',
    'spec.automountServiceAccountToken',
    'spec.containers.*.args',
    'spec.containers.*.command',
    'spec.containers.*.env',
    'spec.containers.*.image',
    'spec.containers.*.imagePullPolicy',
    'spec.containers.*.lifecycle',
    'spec.containers.*.livenessProbe',
    'spec.containers.*.name',
    'spec.containers.*.ports',
    'spec.containers.*.readinessProbe',
    'spec.containers.*.resources',
    'spec.containers.*.securityContext',
    'spec.containers.*.startupProbe',
    'spec.containers.*.volumeMounts',
    'spec.containers.*.workingDir',
    'spec.dnsConfig',
    'spec.dnsPolicy',
    'spec.hostAliases',
    'spec.hostIPC',
    'spec.hostNetwork',
    'spec.hostPID',
    'spec.hostname',
    'spec.imagePullSecrets',
    'spec.initContainers',
    'spec.nodeName',
    'spec.nodeSelector',
    'spec.priority',
    'spec.priorityClassName',
    'spec.restartPolicy',
    'spec.runtimeClassName',
    'spec.schedulerName',
    'spec.securityContext',
    'spec.serviceAccountName',
    'spec.terminationGracePeriodSeconds',
    'spec.volumes',
  ],
  'apps/DaemonSet': ['spec.selector'],
  'apps/Deployment': ['spec.selector'],
  'apps/ReplicaSet': ['spec.selector'],
  'apps/StatefulSet': [
    'spec.podManagementPolicy',
    'spec.selector',
    'spec.serviceName',
    'spec.volumeClaimTemplates',
  ],
  'batch/Job': ['spec.completions', 'spec.parallelism', 'spec.selector', 'spec.template'],
  'rbac.authorization.k8s.io/ClusterRoleBinding': ['roleRef'],
  'rbac.authorization.k8s.io/RoleBinding': ['roleRef'],
  'scheduling.k8s.io/PriorityClass': ['preemptionPolicy', 'value'],
  'storage.k8s.io/StorageClass': [
    'parameters',
    'provisioner',
    'reclaimPolicy',
    'volumeBindingMode',
  ],
}
const ALWAYS = ['apiVersion', 'kind', 'metadata.name', 'metadata.namespace']

export interface MutableKinds {
  configMap: boolean
  secret: boolean
}

/** Whether a change at `path` needs a new object. */
export function needsReplacement(type: ObjectType, path: Path, mutable: MutableKinds): boolean {
  const fields = IMMUTABLE[`${type.group}/${type.kind}`] ?? []
  const excepted =
    (type.group === '' && type.kind === 'ConfigMap' && mutable.configMap) ||
    (type.group === '' && type.kind === 'Secret' && mutable.secret)
  const rules = excepted ? ALWAYS : [...ALWAYS, ...fields]
  return rules.some((rule) => covers(rule.split('.'), path))
}

/** The change is at the field, below it, or is a change of something that holds the field. */
function covers(rule: readonly string[], path: Path): boolean {
  return rule.every((part, index) => {
    const key = path[index]
    return key === undefined ? index > 0 : part === '*' ? typeof key === 'number' : part === key
  })
}
