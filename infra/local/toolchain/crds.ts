import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { KitError } from '../../../catalog/errors.ts'
import { type Report, asStep } from '../../progress.ts'
import { run } from '../command.ts'
import { ensureGo } from './go.ts'
import { TOOLS } from './table.ts'

export const CRD_SOURCES = ['karpenter', 'karpenter-kwok', 'cluster-api', 'keda'] as const
export type CrdSource = (typeof CRD_SOURCES)[number]

interface CrdModule {
  module: string
  version: string
  /** Of the whole module, as go.sum has it: other files under the same version are refused. */
  sum: string
  /** Folder of its YAML files, one definition each. */
  folder: string
}

const KARPENTER = {
  module: 'sigs.k8s.io/karpenter',
  version: TOOLS['karpenter-kwok'].version,
  sum: 'h1:xw68Jf6t+GiLOx/SfgRfXIZZ/nEierbSjTTl9q7zFa8=',
}

/** Custom resource definitions of others, read where Go keeps their modules: no copy of ours can go stale. */
const MODULES: Readonly<Record<CrdSource, CrdModule>> = {
  karpenter: { ...KARPENTER, folder: 'pkg/apis/crds' },
  'karpenter-kwok': { ...KARPENTER, folder: 'kwok/apis/crds' },
  'cluster-api': {
    module: 'sigs.k8s.io/cluster-api',
    version: '1.13.6',
    sum: 'h1:imZVIstbRIq2DoKftQv0wPm+vyhWXrE3Zft8E43maqo=',
    folder: 'config/crd/bases',
  },
  keda: {
    module: 'github.com/kedacore/keda/v2',
    version: '2.21.0',
    sum: 'h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=',
    folder: 'config/crd/bases',
  },
}

/** What `go mod download -json` prints of a module. */
const DownloadSchema = z.object({ Dir: z.string(), Sum: z.string() })

/**
 * Absolute paths of the YAML files, by name. Go fetches a module that it does not have. Fails with
 * TOOL_MISSING (no Go) and TOOL_BUILD_FAILED (no such module to be had, or not the one that was meant).
 */
export async function crdFiles(source: CrdSource, report: Report): Promise<string[]> {
  const { module, version, folder } = MODULES[source]
  const go = await ensureGo(report)
  const what = `${module} ${version}, from its Go module`
  const { Dir } = await asStep(report, `get definitions of ${source}`, what, () =>
    download(MODULES[source], go),
  )
  const names = (await readdir(join(Dir, folder))).filter((name) => name.endsWith('.yaml'))
  return names.sort().map((name) => join(Dir, folder, name))
}

async function download({ module, version, sum }: CrdModule, go: string) {
  const wanted = `${module}@v${version}`
  try {
    const env = { ...process.env, GOFLAGS: '', GOWORK: 'off', GOTOOLCHAIN: 'auto' }
    // Outside of any module of ours or the user's.
    const args = ['mod', 'download', '-json', wanted]
    const printed = await run(go, args, { env, folder: tmpdir() })
    const got = DownloadSchema.parse(JSON.parse(printed))
    if (got.Sum !== sum) throw new Error(`a module with sum ${got.Sum}`)
    return got
  } catch (error) {
    throw new KitError(
      'TOOL_BUILD_FAILED',
      {
        path: wanted,
        expected: `the Go module with sum ${sum}`,
        got: (error as Error).message,
        fix: 'read the message above; a closed network needs a Go module proxy (GOPROXY)',
      },
      { cause: error },
    )
  }
}
