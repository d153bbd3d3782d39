import type { Addresses } from './addresses.ts'

/** One long-running program of the node, as `sandbox init` reads it. */
export interface Part {
  name: string
  args: string[]
  /** NAME=value, beside a PATH; nothing of the caller's environment reaches a part. */
  env?: string[]
  /** URL of the API server that must answer 200 before it starts. */
  waitFor?: string
}

/** Where the node sees the cluster's folder and the tools: short and the same for every cluster. */
export const NODE_FOLDER = '/run/serantau'
export const NODE_TOOLS = '/run/tools'
export const QUEUE = 98

const PKI = `${NODE_FOLDER}/pki`
const CONFIG = `${NODE_FOLDER}/config`
const KUBERNETES = `${NODE_TOOLS}/kubernetes`

export const apiAddress = (addresses: Addresses): string => `${addresses.node}:6443`

export function partsOf(addresses: Addresses, node: string): Part[] {
  const waitFor = `https://${apiAddress(addresses)}/readyz`
  const kubernetes = (name: string, flags: string[]): Part => ({
    name,
    args: [KUBERNETES, name, ...flags],
  })
  return [
    kubernetes('etcd', etcdFlags(node)),
    kubernetes('kube-apiserver', apiserverFlags(addresses)),
    { ...kubernetes('kube-controller-manager', controllerManagerFlags()), waitFor },
    { ...kubernetes('kube-scheduler', schedulerFlags()), waitFor },
    { name: 'containerd', args: ['containerd', '--config', `${CONFIG}/containerd.toml`] },
    { ...kubernetes('kubelet', kubeletFlags(addresses, node)), waitFor },
    { ...kubernetes('kube-proxy', [`--config=${CONFIG}/kube-proxy.yaml`]), waitFor },
    { ...enforcer(node, addresses), waitFor },
  ]
}

function etcdFlags(node: string): string[] {
  return [
    `--name=${node}`,
    '--data-dir=/var/lib/etcd',
    '--listen-client-urls=https://127.0.0.1:2379',
    '--advertise-client-urls=https://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    `--initial-cluster=${node}=http://127.0.0.1:2380`,
    '--client-cert-auth',
    `--trusted-ca-file=${PKI}/etcd/ca.crt`,
    `--cert-file=${PKI}/etcd/server.crt`,
    `--key-file=${PKI}/etcd/server.key`,
    '--auto-compaction-retention=1',
    '--log-level=warn',
  ]
}

function apiserverFlags(addresses: Addresses): string[] {
  return [
    `--advertise-address=${addresses.node}`,
    `--bind-address=${addresses.node}`,
    '--secure-port=6443',
    '--anonymous-auth=false',
    '--profiling=false',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--client-ca-file=${PKI}/ca.crt`,
    `--tls-cert-file=${PKI}/apiserver.crt`,
    `--tls-private-key-file=${PKI}/apiserver.key`,
    `--token-auth-file=${CONFIG}/tokens.csv`,
    '--etcd-servers=https://127.0.0.1:2379',
    `--etcd-cafile=${PKI}/etcd/ca.crt`,
    `--etcd-certfile=${PKI}/etcd/client.crt`,
    `--etcd-keyfile=${PKI}/etcd/client.key`,
    `--kubelet-certificate-authority=${PKI}/ca.crt`,
    `--kubelet-client-certificate=${PKI}/apiserver-kubelet.crt`,
    `--kubelet-client-key=${PKI}/apiserver-kubelet.key`,
    // The node's name is known to nobody's DNS, so exec and logs need its address.
    '--kubelet-preferred-address-types=InternalIP',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${PKI}/sa.pub`,
    `--service-account-signing-key-file=${PKI}/sa.key`,
    `--service-cluster-ip-range=${addresses.services}`,
  ]
}

function controllerManagerFlags(): string[] {
  return [
    ...clientFlags('controller-manager'),
    '--leader-elect=false',
    '--profiling=false',
    '--use-service-account-credentials',
    // Its 40 controllers fetch their credentials at start; by default that takes 6 s.
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    `--root-ca-file=${PKI}/ca.crt`,
    `--service-account-private-key-file=${PKI}/sa.key`,
    `--cluster-signing-cert-file=${PKI}/ca.crt`,
    `--cluster-signing-key-file=${PKI}/ca.key`,
  ]
}

const schedulerFlags = (): string[] => [
  ...clientFlags('scheduler'),
  '--leader-elect=false',
  '--profiling=false',
]

function clientFlags(name: string): string[] {
  const kubeconfig = `${CONFIG}/${name}.kubeconfig`
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    '--authentication-skip-lookup',
    `--client-ca-file=${PKI}/ca.crt`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
  ]
}

const kubeletFlags = (addresses: Addresses, node: string): string[] => [
  `--config=${CONFIG}/kubelet.yaml`,
  `--kubeconfig=${CONFIG}/kubelet.kubeconfig`,
  `--hostname-override=${node}`,
  `--node-ip=${addresses.node}`,
  '--root-dir=/var/lib/kubelet',
  '--cert-dir=/var/lib/kubelet/pki',
]

/** It reads only an in-cluster configuration: address from the environment, token from its usual place. */
const enforcer = (node: string, addresses: Addresses): Part => ({
  name: 'network-policy',
  env: [`KUBERNETES_SERVICE_HOST=${addresses.node}`, 'KUBERNETES_SERVICE_PORT=6443'],
  args: [
    `${NODE_TOOLS}/network-policy`,
    `--hostname-override=${node}`,
    `--nfqueue-id=${QUEUE}`,
    // NRI needs containerd 1.7, which Debian 12 does not have.
    '--disable-nri',
    '--metrics-bind-address=127.0.0.1:9080',
  ],
})
