import * as k8s from '@pulumi/kubernetes'
import type { Accelerator } from '../../catalog/accelerator.ts'
import type { ClusterApiPool } from '../../catalog/node-pool.ts'
import type { Jurisdiction } from '../../catalog/stack-file.ts'
import { zonesOf } from '../../catalog/zone.ts'
import { POOL_LABEL, poolLabels } from './placement.ts'
import type { Provisioner } from './provisioner.ts'
import { requireApi } from './required-api.ts'

const GROUP = 'cluster.x-k8s.io'
const VERSION = 'v1beta2'
const API_VERSION = `${GROUP}/${VERSION}`
/** Read by the cluster autoscaler's provider for Cluster API. */
const LEAST = `${GROUP}/cluster-api-autoscaler-node-group-min-size`
const MOST = `${GROUP}/cluster-api-autoscaler-node-group-max-size`

/** A MachineDeployment for each zone and a health check, for the Cluster API that is there. Throws KitError API_MISSING. */
export const clusterApi: Provisioner<'cluster-api'> = async (args, opts) => {
  const { pool, accelerator, jurisdiction, target } = args
  const resources = ['machinedeployments', 'machinehealthchecks']
  const from = 'Cluster API'
  const api = { group: GROUP, version: VERSION, resources, from }
  await requireApi(`serantau:nodePools "${pool.name}"`, api, target)
  return () => {
    for (const object of clusterApiObjects(pool, accelerator, jurisdiction)) {
      const name = `${object.kind}-${object.metadata.name}`
      new k8s.apiextensions.CustomResource(name, object, opts)
    }
  }
}

/** The objects of a pool (cluster.x-k8s.io/v1beta2): a MachineDeployment for each zone, and one health check. Pure. */
export function clusterApiObjects(
  pool: ClusterApiPool,
  accelerator: Accelerator,
  jurisdiction: Jurisdiction,
) {
  const { country } = jurisdiction
  const inside = zonesOf(pool, jurisdiction)
  const zones = inside.length === 0 ? [undefined] : inside
  const shares = sharesOf(pool, zones.length)
  return [
    ...zones.map((zone, at) => machineDeployment(pool, accelerator, country, zone, shares[at]!)),
    healthCheck(pool),
  ]
}

interface Share {
  min: number
  max: number
}

/** Nodes of each zone; the first ones take what does not divide. */
function sharesOf({ min, max }: ClusterApiPool, zones: number): Share[] {
  const part = (whole: number, at: number) =>
    Math.floor(whole / zones) + (at < whole % zones ? 1 : 0)
  return Array.from({ length: zones }, (_, at) => ({ min: part(min, at), max: part(max, at) }))
}

const nameOf = ({ name }: ClusterApiPool, zone: string | undefined) =>
  zone === undefined ? name : `${name}-${zone}`

function machineDeployment(
  pool: ClusterApiPool,
  { taint }: Accelerator,
  country: string,
  zone: string | undefined,
  { min, max }: Share,
) {
  const name = nameOf(pool, zone)
  const labels = { ...poolLabels(pool, country), [`${GROUP}/cluster-name`]: pool.cluster }
  return {
    apiVersion: API_VERSION,
    kind: 'MachineDeployment',
    metadata: {
      name,
      namespace: pool.clusterNamespace,
      labels: { [`${GROUP}/cluster-name`]: pool.cluster },
      annotations: { [LEAST]: `${min}`, [MOST]: `${max}` },
    },
    spec: {
      clusterName: pool.cluster,
      // Absent with room between: the autoscaler owns it, and starts from the least.
      ...(min === max ? { replicas: min } : {}),
      selector: { matchLabels: { [`${GROUP}/deployment-name`]: name } },
      template: {
        metadata: { labels: { ...labels, [`${GROUP}/deployment-name`]: name } },
        spec: {
          clusterName: pool.cluster,
          version: pool.version,
          ...(zone === undefined ? {} : { failureDomain: zone }),
          bootstrap: { configRef: contractRef(pool.bootstrapRef) },
          infrastructureRef: contractRef(pool.infrastructureRef),
          ...(taint === undefined || !pool.machineTaints
            ? {}
            : { taints: [{ ...taint, propagation: 'Always' }] }),
        },
      },
    },
  }
}

const contractRef = ({ group, kind, name }: ClusterApiPool['infrastructureRef']) => ({
  apiGroup: group,
  kind,
  name,
})

function healthCheck(pool: ClusterApiPool) {
  const seconds = secondsOf(pool.unhealthyAfter)
  return {
    apiVersion: API_VERSION,
    kind: 'MachineHealthCheck',
    metadata: { name: pool.name, namespace: pool.clusterNamespace },
    spec: {
      clusterName: pool.cluster,
      selector: { matchLabels: { [POOL_LABEL]: pool.name } },
      checks: {
        unhealthyNodeConditions: (['Unknown', 'False'] as const).map((status) => ({
          ...{ type: 'Ready', status, timeoutSeconds: seconds },
        })),
      },
    },
  }
}

const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 }
const secondsOf = (duration: string) =>
  Number(duration.slice(0, -1)) * (UNITS[duration.slice(-1)] ?? 1)
