import { BlockList } from 'node:net'

/** All addresses of one cluster: a /22 cut into /24s for the link to the host, Services and pods. */
export interface Addresses {
  index: number
  range: string
  node: string
  host: string
  services: string
  pods: string
  kubernetes: string
  dns: string
  /** Free for the gateway: inside the part that Kubernetes never gives out by itself. */
  gateway: string
}

/** Two private blocks, so that a VPN which owns one leaves the other. 64 clusters in each. */
const BLOCKS = ['10.99', '172.29']
const CLUSTERS_A_BLOCK = 64
export const INDEXES = BLOCKS.length * CLUSTERS_A_BLOCK

export function addressesOf(index: number): Addresses {
  const block = BLOCKS[Math.floor(index / CLUSTERS_A_BLOCK)]
  if (block === undefined) throw new RangeError(`no addresses for cluster index ${index}`)
  const third = (index % CLUSTERS_A_BLOCK) * 4
  const services = `${block}.${third + 1}`
  return {
    index,
    range: `${block}.${third}.0/22`,
    node: `${block}.${third}.1`,
    host: `${block}.${third}.254`,
    services: `${services}.0/24`,
    pods: `${block}.${third + 2}.0/24`,
    kubernetes: `${services}.1`,
    dns: `${services}.10`,
    gateway: `${services}.11`,
  }
}

/** Both are IPv4 ranges (`10.0.0.0/8`) or single addresses. */
export function overlap(one: string, other: string): boolean {
  return contains(one, other) || contains(other, one)
}

function contains(range: string, other: string): boolean {
  const [address = '', prefix = '32'] = range.split('/')
  const list = new BlockList()
  list.addSubnet(address, Number(prefix))
  return list.check(other.split('/')[0] ?? '')
}

/**
 * An index that no other cluster holds and whose range nothing of the host uses. `seed` says where
 * to begin, so that clusters of different state folders, which know nothing of each other while they
 * are down, seldom choose the same.
 */
export function chooseIndex(
  seed: number,
  held: ReadonlySet<number>,
  taken: readonly string[],
): number | undefined {
  const free = (index: number): boolean => !held.has(index) && takenBy(index, taken) === undefined
  for (let block = 0; block < BLOCKS.length; block++) {
    for (let step = 0; step < CLUSTERS_A_BLOCK; step++) {
      const index = block * CLUSTERS_A_BLOCK + ((seed + step) % CLUSTERS_A_BLOCK)
      if (free(index)) return index
    }
  }
  return undefined
}

/** What of the host overlaps with the cluster's range. */
export function takenBy(index: number, taken: readonly string[]): string | undefined {
  return taken.find((range) => overlap(addressesOf(index).range, range))
}
