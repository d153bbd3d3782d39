/** One row for each kind that the kit uses: how its object is made, and what cannot change in it. */
export interface KindRow {
  token: string
  /** The object of the row, after a change of what can change. */
  make: (round: Round) => Record<string, unknown>
  /** Rows that must be there before. */
  after?: string[]
}

export interface Round {
  namespace: string
  image: string
  /** Value of a label that every object carries: changes in place. */
  phase: string
  /** Changes what cannot be changed in place. */
  replaced: boolean
}

const NOT_AWAITED = { 'pulumi.com/skipAwait': 'true' }

const meta = (round: Round, name: string, extra: Record<string, unknown> = {}) => ({
  name,
  namespace: round.namespace,
  labels: { phase: round.phase },
  ...extra,
})
const ofCluster = (round: Round, name: string, extra: Record<string, unknown> = {}) => ({
  name,
  labels: { phase: round.phase },
  ...extra,
})
/** For kinds of which everything but the name may change. */
const renamed = (round: Round, name: string) => (round.replaced ? `${name}-new` : name)

const pod = (image: string, args: string[] = []) => ({
  terminationGracePeriodSeconds: 1,
  automountServiceAccountToken: false,
  containers: [
    {
      name: 'main',
      image,
      ...(args.length > 0 ? { command: ['/program', ...args] } : {}),
      resources: { limits: { cpu: 0.1, memory: '64Mi' }, requests: { cpu: '0.010' } },
    },
  ],
})

const definition = (plural: string, kind: string) => ({
  group: 'gateway.networking.k8s.io',
  scope: 'Namespaced',
  names: { plural, singular: kind.toLowerCase(), kind },
  versions: [
    {
      name: 'v1',
      served: true,
      storage: true,
      schema: {
        openAPIV3Schema: {
          type: 'object',
          properties: {
            spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          },
        },
      },
    },
  ],
})
const API_APPROVED = {
  annotations: { 'api-approved.kubernetes.io': 'unapproved, a test' },
}

export const KINDS: Readonly<Record<string, KindRow>> = {
  namespace: {
    token: 'kubernetes:core/v1:Namespace',
    make: (round) => ({ metadata: ofCluster(round, renamed(round, `${round.namespace}-spare`)) }),
  },
  configmap: {
    token: 'kubernetes:core/v1:ConfigMap',
    make: (round) => ({
      metadata: meta(round, 'settings'),
      data: { mode: round.replaced ? 'b' : 'a' },
    }),
  },
  secret: {
    token: 'kubernetes:core/v1:Secret',
    make: (round) => ({
      metadata: meta(round, 'credentials'),
      stringData: { key: round.replaced ? 'changed-value' : 'first-value' },
    }),
  },
  account: {
    token: 'kubernetes:core/v1:ServiceAccount',
    make: (round) => ({ metadata: meta(round, renamed(round, 'account')) }),
  },
  volume: {
    token: 'kubernetes:core/v1:PersistentVolume',
    make: (round) => ({
      metadata: ofCluster(round, `${round.namespace}-volume`),
      spec: {
        accessModes: ['ReadOnlyMany'],
        capacity: { storage: '1024Mi' },
        storageClassName: 'none-such',
        hostPath: { path: round.replaced ? '/tmp/b' : '/tmp/a' },
      },
    }),
  },
  claim: {
    token: 'kubernetes:core/v1:PersistentVolumeClaim',
    make: (round) => ({
      metadata: meta(round, 'claim', { annotations: NOT_AWAITED }),
      spec: {
        accessModes: ['ReadOnlyMany'],
        resources: { requests: { storage: '1Gi' } },
        storageClassName: round.replaced ? 'another' : 'absent',
      },
    }),
  },
  deployment: {
    token: 'kubernetes:apps/v1:Deployment',
    make: (round) => {
      const labels = { app: round.replaced ? 'web-two' : 'web' }
      return {
        metadata: meta(round, 'web'),
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          template: { metadata: { labels: { ...labels, tier: 'web' } }, spec: pod(round.image) },
        },
      }
    },
  },
  service: {
    token: 'kubernetes:core/v1:Service',
    make: (round) => ({
      metadata: meta(round, 'web'),
      spec: {
        selector: { tier: 'web' },
        ports: [{ port: 80 }],
        ...(round.replaced ? { clusterIP: 'None' } : {}),
      },
    }),
  },
  pod: {
    token: 'kubernetes:core/v1:Pod',
    make: (round) => ({
      metadata: meta(round, 'single'),
      spec: pod(round.image, round.replaced ? ['pause', 'again'] : ['pause']),
    }),
  },
  job: {
    token: 'kubernetes:batch/v1:Job',
    make: (round) => ({
      metadata: meta(round, 'task'),
      spec: {
        backoffLimit: 1,
        template: {
          spec: {
            ...pod(round.image, round.replaced ? ['version', 'again'] : ['version']),
            restartPolicy: 'Never',
          },
        },
      },
    }),
  },
  budget: {
    token: 'kubernetes:policy/v1:PodDisruptionBudget',
    make: (round) => ({
      metadata: meta(round, renamed(round, 'budget')),
      spec: { minAvailable: round.phase === 'one' ? 1 : 0, selector: { matchLabels: { a: 'b' } } },
    }),
  },
  policy: {
    token: 'kubernetes:networking.k8s.io/v1:NetworkPolicy',
    make: (round) => ({
      metadata: meta(round, renamed(round, 'policy')),
      spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [], egress: [{}] },
    }),
  },
  ingress: {
    token: 'kubernetes:networking.k8s.io/v1:Ingress',
    make: (round) => ({
      metadata: meta(round, renamed(round, 'entry'), { annotations: NOT_AWAITED }),
      spec: {
        defaultBackend: { service: { name: 'web', port: { number: 80 } } },
      },
    }),
  },
  role: {
    token: 'kubernetes:rbac.authorization.k8s.io/v1:Role',
    make: (round) => ({
      metadata: meta(round, renamed(round, 'reader')),
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', round.phase] }],
    }),
  },
  binding: {
    token: 'kubernetes:rbac.authorization.k8s.io/v1:RoleBinding',
    make: (round) => ({
      metadata: meta(round, 'readers'),
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'Role',
        name: renamed(round, 'reader'),
      },
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: round.namespace }],
    }),
  },
  priority: {
    token: 'kubernetes:scheduling.k8s.io/v1:PriorityClass',
    make: (round) => ({
      metadata: ofCluster(round, `${round.namespace}-priority`),
      value: round.replaced ? 20 : 10,
      description: `phase ${round.phase}`,
    }),
  },
  routes: {
    token: 'kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition',
    make: (round) => ({
      metadata: ofCluster(round, 'httproutes.gateway.networking.k8s.io', API_APPROVED),
      spec: definition('httproutes', 'HTTPRoute'),
    }),
  },
  gateways: {
    token: 'kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition',
    make: (round) => ({
      metadata: ofCluster(round, 'gateways.gateway.networking.k8s.io', API_APPROVED),
      spec: definition('gateways', 'Gateway'),
    }),
  },
  route: {
    token: 'kubernetes:gateway.networking.k8s.io/v1:HTTPRoute',
    after: ['routes'],
    make: (round) => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: meta(round, renamed(round, 'route')),
      spec: { hostnames: [`${round.phase}.example`], rules: [{ backendRefs: [{ name: 'web' }] }] },
    }),
  },
  gateway: {
    token: 'kubernetes:gateway.networking.k8s.io/v1:Gateway',
    after: ['gateways'],
    make: (round) => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: meta(round, renamed(round, 'gateway')),
      spec: { gatewayClassName: round.phase },
    }),
  },
}
