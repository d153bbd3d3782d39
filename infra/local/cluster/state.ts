import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { KitError } from '../../../catalog/errors.ts'
import { stateFolder } from '../paths.ts'

/** Raised when an older version could not work with what a newer one wrote, or the reverse. */
const SCHEMA = 1

const StateSchema = z.strictObject({
  schema: z.literal(SCHEMA),
  name: z.string(),
  /** Which addresses it has: see addresses.ts. */
  index: z.int().min(0),
  created: z.iso.datetime(),
})
export type ClusterState = z.infer<typeof StateSchema>

/** Absolute: the node, whose folder is `/`, gets it too. */
export const clustersFolder = (): string => resolve(stateFolder(), 'clusters')
export const clusterFolder = (name: string): string => join(clustersFolder(), name)

/**
 * Names of what a cluster has outside its sandbox. They tell clusters of the same name in two state
 * folders apart, so that none removes what is another's. A link's name has 15 characters at most.
 */
export function hostNames(name: string): { seed: number; link: string; cgroup: string } {
  const digest = createHash('sha256').update(clusterFolder(name)).digest('hex')
  const mark = digest.slice(0, 6)
  return {
    seed: Number.parseInt(mark, 16),
    link: `serantau-${mark}`,
    cgroup: `serantau-${name}-${mark}`,
  }
}

/** undefined: no cluster of that name was made. Fails with STATE_INCOMPATIBLE. */
export async function readState(name: string): Promise<ClusterState | undefined> {
  const file = join(clusterFolder(name), 'state.json')
  const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (content === undefined) return undefined
  const parsed = StateSchema.safeParse(parseJson(content))
  if (parsed.success) return parsed.data
  throw new KitError('STATE_INCOMPATIBLE', {
    path: file,
    expected: `state of schema ${SCHEMA}`,
    got: describeSchema(content),
    fix: `use the version of serantau that made it, or remove the folder ${clusterFolder(name)} and start anew`,
  })
}

export async function writeState(state: ClusterState): Promise<void> {
  const folder = clusterFolder(state.name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'state.json')
  await writeFile(`${file}.new`, JSON.stringify(state, null, 2), { mode: 0o600, flush: true })
  await rename(`${file}.new`, file)
}

/** Indexes of the other clusters of this state folder, running or not. */
export async function heldIndexes(name: string): Promise<Set<number>> {
  const names = await readdir(clustersFolder()).catch(() => [])
  const states = await Promise.all(
    names.filter((other) => other !== name).map((other) => readState(other).catch(() => undefined)),
  )
  return new Set(states.flatMap((state) => (state ? [state.index] : [])))
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}

function describeSchema(content: string): string {
  const value = parseJson(content)
  const schema = z.looseObject({ schema: z.unknown() }).safeParse(value)
  return schema.success
    ? `schema ${JSON.stringify(schema.data.schema)}`
    : 'a file that is not such JSON'
}
