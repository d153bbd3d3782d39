export type ToolName =
  | 'pulumi'
  | 'kubernetes'
  | 'coredns'
  | 'network-policy'
  | 'helm'
  | 'helm-unittest'
  | 'sandbox'
  | 'kwok'
  | 'karpenter-kwok'

export interface ToolRow {
  version: string
  /** What it is for, and about how long a first build takes on two cores. */
  about: string
  /** Go package to build, from the module in the folder of the tool's name. */
  package: string
  ldflags: string[]
  /** Arguments that make it show that it works, and what it then prints. */
  check: { args: string[]; prints: RegExp }
  /** Present: one that the user installed serves too, if it is of the same major and not older. */
  installed?: { folders: () => string[] }
  /** Present: a closed network is not the only one; see fetch.ts. */
  official?: 'pulumi' | 'helm'
}

const home = process.env['HOME'] ?? ''
const onPath = (): string[] =>
  (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '')
const pulumiHome = (): string => process.env['PULUMI_HOME'] ?? `${home}/.pulumi`

const PULUMI = '3.259.0'
const KUBERNETES = '1.34.4'
const HELM = '3.22.0'

/** Every tool that we run and do not write; total by type. Versions are those of the Go modules. */
export const TOOLS: Record<ToolName, ToolRow> = {
  pulumi: {
    version: PULUMI,
    about: 'the Pulumi CLI, which deploys (3 min)',
    package: 'github.com/pulumi/pulumi/pkg/v3/cmd/pulumi',
    ldflags: [`-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${PULUMI}`],
    check: { args: ['version'], prints: /^v?(\d+\.\d+\.\d+)/ },
    installed: { folders: () => [...onPath(), `${pulumiHome()}/bin`] },
    official: 'pulumi',
  },
  kubernetes: {
    version: KUBERNETES,
    about: "Kubernetes' components and etcd in one program (7 min)",
    package: '.',
    ldflags: [
      `-X k8s.io/component-base/version.gitVersion=v${KUBERNETES}`,
      '-X k8s.io/component-base/version.gitMajor=1',
      '-X k8s.io/component-base/version.gitMinor=34',
      `-X k8s.io/client-go/pkg/version.gitVersion=v${KUBERNETES}`,
    ],
    check: { args: ['kubelet', '--version'], prints: /^Kubernetes v(\d+\.\d+\.\d+)/ },
  },
  coredns: {
    version: '1.15.0',
    about: 'cluster DNS (90 s)',
    package: '.',
    ldflags: [],
    check: { args: ['-version'], prints: /^CoreDNS-(\d+\.\d+\.\d+)/ },
  },
  'network-policy': {
    version: '0.8.0',
    about: 'the enforcer of NetworkPolicy (2 min)',
    package: 'sigs.k8s.io/kube-network-policies/cmd',
    ldflags: [],
    check: { args: ['--help'], prints: /^Usage: kube-network-policies/ },
  },
  helm: {
    version: HELM,
    about: 'Helm, which renders the charts (1 min)',
    package: 'helm.sh/helm/v3/cmd/helm',
    // Without a cluster Helm takes this for the cluster's version; unset it would be 1.20.
    ldflags: [
      `-X helm.sh/helm/v3/internal/version.version=v${HELM}`,
      `-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=${KUBERNETES.split('.')[0]}`,
      `-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=${KUBERNETES.split('.')[1]}`,
    ],
    check: { args: ['version', '--short'], prints: /^v(\d+\.\d+\.\d+)/ },
    installed: { folders: onPath },
    official: 'helm',
  },
  'helm-unittest': {
    version: '1.1.2',
    about: 'the runner of the chart tests (1 min)',
    package: 'github.com/helm-unittest/helm-unittest/cmd/helm-unittest',
    ldflags: [],
    check: { args: ['--help'], prints: /unittest/ },
  },
  sandbox: {
    version: '1',
    about: "the node's PID 1, certificates, pause and probe (5 s)",
    package: '.',
    ldflags: [],
    check: { args: ['version'], prints: /^(\d+)/ },
  },
  kwok: {
    version: '0.7.0',
    about: 'simulated nodes and pods of a rehearsal (2 min)',
    package: 'sigs.k8s.io/kwok/cmd/kwok',
    ldflags: [],
    check: { args: ['--version'], prints: /^kwok version v?(\d+\.\d+\.\d+)/ },
  },
  'karpenter-kwok': {
    version: '1.14.3',
    about: 'Karpenter with a simulated cloud, for rehearsals (4 min)',
    package: 'sigs.k8s.io/karpenter/kwok',
    ldflags: [],
    check: { args: ['--help'], prints: /instance-types-file-path/ },
  },
}

/** `found` may stand for `wanted`: same major, not older. Pure. */
export function serves(found: string, wanted: string): boolean {
  const [foundMajor = 0, foundMinor = 0, foundPatch = 0] = found.split('.').map(Number)
  const [wantedMajor = 0, wantedMinor = 0, wantedPatch = 0] = wanted.split('.').map(Number)
  if (foundMajor !== wantedMajor) return false
  if (foundMinor !== wantedMinor) return foundMinor > wantedMinor
  return foundPatch >= wantedPatch
}
