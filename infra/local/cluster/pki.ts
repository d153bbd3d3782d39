import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../command.ts'
import type { Addresses } from './addresses.ts'

interface CertificateRequest {
  name: string
  commonName: string
  organization?: string
  /** Names and addresses of a server; absent: a client's certificate. */
  hosts?: string[]
}

export const ADMIN = 'admin'

/** Everyone who speaks to the API server, each under its own name and so with its own rights. */
export function certificateRequests(addresses: Addresses, node: string): CertificateRequest[] {
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc']
  return [
    {
      name: 'apiserver',
      commonName: 'kube-apiserver',
      hosts: [
        addresses.node,
        addresses.kubernetes,
        ...service,
        'kubernetes.default.svc.cluster.local',
        'localhost',
        '127.0.0.1',
      ],
    },
    { name: 'apiserver-kubelet', commonName: 'kube-apiserver-kubelet-client' },
    {
      name: 'kubelet',
      commonName: `system:node:${node}`,
      organization: 'system:nodes',
      hosts: [addresses.node, node],
    },
    { name: 'controller-manager', commonName: 'system:kube-controller-manager' },
    { name: 'scheduler', commonName: 'system:kube-scheduler' },
    { name: 'kube-proxy', commonName: 'system:kube-proxy' },
    { name: ADMIN, commonName: 'serantau-admin', organization: 'system:masters' },
  ]
}

/** etcd has an authority of its own: else any client of the API server could read all data. */
const ETCD_REQUESTS: CertificateRequest[] = [
  { name: 'server', commonName: 'etcd', hosts: ['localhost', '127.0.0.1'] },
  { name: 'client', commonName: 'kube-apiserver-etcd-client' },
]

/** Fills `<folder>/pki`; what is there and fits is kept. */
export async function ensureCertificates(
  folder: string,
  sandbox: string,
  addresses: Addresses,
  node: string,
): Promise<void> {
  const pki = join(folder, 'pki')
  const etcd = join(pki, 'etcd')
  await mkdir(etcd, { recursive: true, mode: 0o700 })
  await Promise.all([
    issue(sandbox, pki, certificateRequests(addresses, node)),
    issue(sandbox, etcd, ETCD_REQUESTS),
  ])
}

async function issue(
  sandbox: string,
  folder: string,
  requests: CertificateRequest[],
): Promise<void> {
  const file = join(folder, 'requests.json')
  await writeFile(file, JSON.stringify(requests), { mode: 0o600 })
  await run(sandbox, ['pki', folder, file])
}

/** A kubeconfig that carries its certificates, so that it works from any folder. */
export async function kubeconfig(
  folder: string,
  certificate: string,
  server: string,
  context: string,
): Promise<string> {
  const encoded = async (file: string): Promise<string> =>
    (await readFile(join(folder, 'pki', file))).toString('base64')
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: context,
          cluster: { server, 'certificate-authority-data': await encoded('ca.crt') },
        },
      ],
      users: [
        {
          name: context,
          user: {
            'client-certificate-data': await encoded(`${certificate}.crt`),
            'client-key-data': await encoded(`${certificate}.key`),
          },
        },
      ],
      contexts: [{ name: context, context: { cluster: context, user: context } }],
      'current-context': context,
    },
    null,
    2,
  )
}
