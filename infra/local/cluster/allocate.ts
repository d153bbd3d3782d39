import { z } from 'zod'
import { KitError } from '../../../catalog/errors.ts'
import { run } from '../command.ts'
import { INDEXES, addressesOf, chooseIndex, takenBy } from './addresses.ts'
import { type ClusterState, heldIndexes, hostNames, readState, writeState } from './state.ts'

const RoutesSchema = z.array(z.object({ dst: z.string(), dev: z.string().optional() }))

/** The cluster's state, made with free addresses if there is none. Fails with PORT_TAKEN. */
export async function ensureState(name: string, running: boolean): Promise<ClusterState> {
  const known = await readState(name)
  if (!known) return allocate(name)
  if (running) return known
  const rival = takenBy(known.index, await usedRanges(hostNames(name).link))
  if (rival !== undefined) throw rangeTaken(addressesOf(known.index).range, rival)
  return known
}

async function allocate(name: string): Promise<ClusterState> {
  const index = chooseIndex(hostNames(name).seed, await heldIndexes(name), await usedRanges())
  if (index === undefined) throw rangeTaken(`one of ${INDEXES} ranges of private addresses`, 'all')
  const state: ClusterState = { schema: 1, name, index, created: new Date().toISOString() }
  await writeState(state)
  return state
}

/** Every range that the host has an address in or a route to, but for those of one link. */
async function usedRanges(except?: string): Promise<string[]> {
  const routes = await run('ip', ['-json', '-4', 'route', 'show', 'table', 'all'])
  return RoutesSchema.parse(JSON.parse(routes))
    .filter(({ dst, dev }) => dst !== 'default' && (except === undefined || dev !== except))
    .map(({ dst }) => dst)
}

export function rangeTaken(range: string, rival: string): KitError {
  return new KitError('PORT_TAKEN', {
    path: 'address range of the cluster',
    expected: `${range} to be free`,
    got: `${rival} in use on this machine (see \`ip route show table all\`)`,
    fix: 'free the range, or remove the cluster (`npm run down`) so that it gets other addresses',
  })
}
