import { createHash } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { arch, platform } from 'node:process'
import { join } from 'node:path'
import { run } from '../command.ts'
import type { ToolRow } from './table.ts'

/** A closed network must cost seconds, not minutes. */
const CONNECT_SECONDS = '4'
const GO_ARCH: Record<string, string> = { x64: 'amd64', arm64: 'arm64' }

/** How the makers hand out their tools. Each puts the program into `folder` and returns its path in it. */
const OFFICIAL: Record<'pulumi' | 'helm', (folder: string, version: string) => Promise<string>> = {
  pulumi: async (folder, version) => {
    const script = await download('https://get.pulumi.com')
    const flags = ['--version', version, '--install-root', folder, '--no-edit-path']
    await run('sh', ['-s', '--', ...flags], { input: script })
    return 'bin/pulumi'
  },
  helm: async (folder, version) => {
    const name = `helm-v${version}-${platform}-${GO_ARCH[arch] ?? arch}`
    const archive = join(folder, 'helm.tar.gz')
    const [wanted = ''] = (await download(`https://get.helm.sh/${name}.tar.gz.sha256sum`)).split(
      ' ',
    )
    await download(`https://get.helm.sh/${name}.tar.gz`, archive)
    const got = createHash('sha256')
      .update(await readFile(archive))
      .digest('hex')
    if (got !== wanted) throw new Error(`the archive has sha256 ${got}, its maker says ${wanted}`)
    await mkdir(join(folder, 'bin'))
    await run('tar', ['-xzf', archive, '-C', join(folder, 'bin'), '--strip-components=1'])
    await rm(archive)
    return 'bin/helm'
  },
}

/** Path of the program in `folder`; undefined: the makers cannot be reached from here. */
export async function fetchOfficial(row: ToolRow, folder: string): Promise<string | undefined> {
  if (!row.official) return undefined
  await mkdir(folder, { recursive: true })
  try {
    return await OFFICIAL[row.official](folder, row.version)
  } catch {
    // Building it is the way that is left, and its failure would be reported.
    await rm(folder, { recursive: true, force: true })
    return undefined
  }
}

/** curl, because it follows the proxy settings of the machine. */
const download = (url: string, file?: string): Promise<string> =>
  run('curl', [
    ...['--fail', '--silent', '--show-error', '--location', '--proto', '=https'],
    ...['--connect-timeout', CONNECT_SECONDS, '--max-time', '600'],
    ...(file === undefined ? [] : ['--output', file]),
    url,
  ])
