import type { KubernetesObject } from './api.ts'
import { ENFORCER_USER } from './configs.ts'

const RBAC = 'rbac.authorization.k8s.io/v1'
const SYSTEM = 'kube-system'
const DNS = 'coredns'
const DNS_LABELS = { 'k8s-app': 'kube-dns' }

/** What the cluster itself needs in its API, in the order in which it is made. */
export function bootstrapObjects(dnsAddress: string, dnsImage: string): KubernetesObject[] {
  return [
    bind('serantau:kubelet-api', 'system:kubelet-api-admin', user('kube-apiserver-kubelet-client')),
    role(ENFORCER_USER, [
      { apiGroups: [''], resources: ['pods', 'namespaces', 'nodes'] },
      { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'] },
    ]),
    bind(ENFORCER_USER, ENFORCER_USER, user(ENFORCER_USER)),
    ...dnsObjects(dnsAddress, dnsImage),
  ]
}

/** A pod like in any cluster, so that policies select it by the usual labels and port. */
function dnsObjects(address: string, image: string): KubernetesObject[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: DNS, namespace: SYSTEM } },
    role(`system:${DNS}`, [
      { apiGroups: [''], resources: ['services', 'pods', 'namespaces'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'] },
    ]),
    bind(`system:${DNS}`, `system:${DNS}`, {
      kind: 'ServiceAccount',
      name: DNS,
      namespace: SYSTEM,
    }),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: DNS, namespace: SYSTEM },
      data: { Corefile: COREFILE },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: SYSTEM, labels: DNS_LABELS },
      spec: {
        clusterIP: address,
        selector: DNS_LABELS,
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        ],
      },
    },
    dnsDeployment(image),
  ]
}

/** No `forward`: names outside the cluster are refused, so DNS cannot carry data out. */
const COREFILE = `.:53 {
  errors
  health
  ready
  kubernetes cluster.local in-addr.arpa ip6.arpa
  reload
}
`

function dnsDeployment(image: string): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: DNS, namespace: SYSTEM, labels: DNS_LABELS },
    spec: {
      replicas: 1,
      selector: { matchLabels: DNS_LABELS },
      template: {
        metadata: { labels: DNS_LABELS },
        spec: {
          serviceAccountName: DNS,
          priorityClassName: 'system-cluster-critical',
          // Its own resolver is the host's empty one: it must not ask itself.
          dnsPolicy: 'Default',
          tolerations: [{ operator: 'Exists' }],
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65532,
            seccompProfile: { type: 'RuntimeDefault' },
            // Port 53 without a capability.
            sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '53' }],
          },
          containers: [dnsContainer(image)],
          volumes: [{ name: 'config', configMap: { name: DNS } }],
        },
      },
    },
  }
}

const dnsContainer = (image: string): unknown => ({
  name: DNS,
  image,
  imagePullPolicy: 'IfNotPresent',
  args: ['-conf', '/etc/coredns/Corefile'],
  ports: [
    { name: 'dns', containerPort: 53, protocol: 'UDP' },
    { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
  ],
  resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '128Mi' } },
  readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
  livenessProbe: { httpGet: { path: '/health', port: 8080 }, initialDelaySeconds: 30 },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
  volumeMounts: [{ name: 'config', mountPath: '/etc/coredns', readOnly: true }],
})

/** Reading rights alone. */
const role = (
  name: string,
  rules: { apiGroups: string[]; resources: string[] }[],
): KubernetesObject => ({
  apiVersion: RBAC,
  kind: 'ClusterRole',
  metadata: { name },
  rules: rules.map((rule) => ({ ...rule, verbs: ['get', 'list', 'watch'] })),
})

const user = (name: string): Record<string, string> => ({
  kind: 'User',
  apiGroup: 'rbac.authorization.k8s.io',
  name,
})

const bind = (
  name: string,
  roleName: string,
  subject: Record<string, string>,
): KubernetesObject => ({
  apiVersion: RBAC,
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleName },
  subjects: [subject],
})
