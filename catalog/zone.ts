import { countryOf } from './cloud-regions.ts'
import type { CloudPool } from './node-pool.ts'
import type { Jurisdiction } from './stack-file.ts'

/** What clouds append to a region's name for a zone: `a`, `-a` or `-1`. A digit alone makes another region's name. */
const SUFFIX = /^([a-z]|-[a-z0-9]{1,2})$/

/** The zone's name says that it lies in the region, as Amazon's, Google's and Azure's do. */
const isOfRegion = (zone: string, region: string): boolean =>
  zone.startsWith(region) && SUFFIX.test(zone.slice(region.length))

/** Country of a public cloud's zone, by the region that its name begins with; undefined: none that is known. */
export const countryOfZone = (zone: string): string | undefined =>
  countryOf(zone.replace(/[a-z]$/, '')) ?? countryOf(zone.replace(/-[a-z0-9]{1,2}$/, ''))

/** Whether a zone lies in the jurisdiction: one that it lists, or one of a region of it when it lists none. Pure. */
export function isInside(zone: string, { regions, zones }: Jurisdiction): boolean {
  if (zones.length > 0) return zones.includes(zone)
  return regions.some((region) => isOfRegion(zone, region))
}

/** Zones that a pool's nodes may lie in; empty: any of the jurisdiction's regions. */
export const zonesOf = (
  pool: { zones: readonly string[] },
  { zones }: Pick<Jurisdiction, 'zones'>,
) => (pool.zones.length > 0 ? pool.zones : zones)

/** What each cloud appends to its region's name for a zone. */
const CLOUD_SUFFIX: Readonly<Record<CloudPool['provisioner'], RegExp>> = {
  eks: /^[a-z]$/,
  gke: /^-[a-z]$/,
  aks: /^-[1-9]$/,
}

/** The zone is one of the pool's region, written as its cloud writes it. */
export const isOfCloudRegion = (
  zone: string,
  { region, provisioner }: Pick<CloudPool, 'region' | 'provisioner'>,
): boolean => zone.startsWith(region) && CLOUD_SUFFIX[provisioner].test(zone.slice(region.length))

/** Zones of its region that a cloud's nodes may lie in; empty: any of the region. */
export const zonesOfCloud = (
  pool: Pick<CloudPool, 'zones' | 'region' | 'provisioner'>,
  jurisdiction: Pick<Jurisdiction, 'zones'>,
): string[] => zonesOf(pool, jurisdiction).filter((zone) => isOfCloudRegion(zone, pool))
