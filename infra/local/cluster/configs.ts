import type { Addresses } from './addresses.ts'
import { NODE_FOLDER } from './parts.ts'
import { hostNames } from './state.ts'

export const ENFORCER_USER = 'serantau:network-policy'

/** What the node's programs read, by file name under `<folder>/config`. Pure: same input, same text. */
export function configFiles(
  addresses: Addresses,
  name: string,
  pauseImage: string,
  enforcerToken: string,
): Record<string, string> {
  return {
    'containerd.toml': containerdConfig(pauseImage),
    'cni/10-serantau.conflist': json(networkConfig(addresses)),
    'kubelet.yaml': json(kubeletConfig(addresses, name)),
    'kube-proxy.yaml': json(kubeProxyConfig(addresses, name)),
    // Empty: pods ask the cluster's DNS alone, and node processes ask nobody.
    'resolv.conf': '',
    'tokens.csv': `${enforcerToken},${ENFORCER_USER},${ENFORCER_USER}\n`,
    'enforcer/token': enforcerToken,
  }
}

/** Node, host name and context carry the same name. */
export const nodeName = (name: string): string => `serantau-${name}`

const json = (value: unknown): string => JSON.stringify(value, null, 2)

/** Version 2 is read by containerd 1.6 to 2.x alike. */
const containerdConfig = (pauseImage: string): string => `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]

[grpc]
address = "/run/containerd/containerd.sock"

[plugins."io.containerd.internal.v1.opt"]
path = "/var/lib/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${pauseImage}"
# A machine that is a container itself may not lower the score.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${NODE_FOLDER}/config/cni"

[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`

/** ptp, not bridge: it sends pod to pod through FORWARD, where policy is enforced. */
const networkConfig = (addresses: Addresses): unknown => ({
  cniVersion: '0.4.0',
  name: 'serantau',
  plugins: [
    {
      type: 'ptp',
      ipMasq: false,
      ipam: {
        type: 'host-local',
        dataDir: '/var/lib/cni/networks',
        ranges: [[{ subnet: addresses.pods }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
})

function kubeletConfig(addresses: Addresses, name: string): unknown {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: addresses.node,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${NODE_FOLDER}/pki/ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: `${NODE_FOLDER}/pki/kubelet.crt`,
    tlsPrivateKeyFile: `${NODE_FOLDER}/pki/kubelet.key`,
    readOnlyPort: 0,
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${hostNames(name).cgroup}`,
    failSwapOn: false,
    failCgroupV1: false,
    clusterDNS: [addresses.dns],
    clusterDomain: 'cluster.local',
    resolvConf: `${NODE_FOLDER}/config/resolv.conf`,
    seccompDefault: true,
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    // Images come from archives: what the collector removes could not be pulled again.
    imageGCHighThresholdPercent: 100,
    // The disk is the host's: pods are not the ones to pay for what others fill.
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
    },
    // Starts pods at once instead of after a second.
    registryPullQPS: 0,
    eventRecordQPS: 0,
  }
}

const kubeProxyConfig = (addresses: Addresses, name: string): unknown => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  mode: 'iptables',
  hostnameOverride: nodeName(name),
  clusterCIDR: addresses.pods,
  clientConnection: { kubeconfig: `${NODE_FOLDER}/config/kube-proxy.kubeconfig` },
  healthzBindAddress: '127.0.0.1:10256',
  metricsBindAddress: '127.0.0.1:10249',
  // The connection table is sized by the host, not by a namespace.
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  iptables: { minSyncPeriod: '0s', syncPeriod: '30s' },
})
