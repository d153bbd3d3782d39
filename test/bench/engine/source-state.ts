import { KitError } from '../../../catalog/errors.ts'
import { run } from '../../../infra/local/command.ts'

/** Which commit a folder is of, and files of it that differ from that. */
export interface SourceState {
  commit: string
  changed: string[]
}

/** What `--write` writes itself is no other source. */
const BUT_PAGES = ['--', '.', ':(exclude)docs/reference/bench-engine*']

export async function sourceState(folder: string): Promise<SourceState> {
  const commit = await run('git', ['rev-parse', '--short', 'HEAD'], { folder })
  const compared = ['diff', '--name-only', 'HEAD', ...BUT_PAGES]
  const changed = await run('git', compared, { folder })
  return { commit: commit.trim(), changed: changed.split('\n').filter((name) => name !== '') }
}

/** As git says it: figures of such a source can't be had again. */
export const labelOf = ({ commit, changed }: SourceState): string =>
  changed.length === 0 ? commit : `${commit}${DIRTY}`
const DIRTY = '-dirty'
export const isDirty = (label: string): boolean => label.endsWith(DIRTY)

/** Fails with USAGE: a page names the commit that whoever repeats it is to check out. */
export function refuseChanges({ changed }: SourceState): void {
  if (changed.length === 0) return
  throw new KitError('USAGE', {
    path: '--write',
    expected: 'a working tree without changes (docs/reference/bench-engine* aside)',
    got: `changes in ${changed.join(', ')}`,
    fix: 'commit them first, or measure without --write',
  })
}
