import { access } from 'node:fs/promises'
import { KitError } from '../../catalog/errors.ts'
import { type Report, asStep } from '../progress.ts'
import { run } from './command.ts'

/** What node and image take from the system, and where a machine that has it shows it. */
const PACKAGES: Record<string, string[]> = {
  containerd: ['/usr/bin/containerd'],
  runc: ['/usr/sbin/runc', '/usr/bin/runc'],
  'containernetworking-plugins': ['/usr/lib/cni/ptp'],
  iptables: ['/usr/sbin/iptables'],
  conntrack: ['/usr/sbin/conntrack'],
  iproute2: ['/usr/sbin/ip', '/usr/bin/ip'],
  'util-linux': ['/usr/bin/nsenter'],
  mount: ['/usr/bin/mount'],
  buildah: ['/usr/bin/buildah'],
}

/** What compiles the engine. Not among the needs of the node: without it the prebuilt one serves. */
const COMPILER: Record<string, string[]> = {
  'g++': ['/usr/bin/c++', '/usr/local/bin/c++'],
  cmake: ['/usr/bin/cmake', '/usr/local/bin/cmake'],
  'ninja-build': ['/usr/bin/ninja', '/usr/local/bin/ninja'],
  git: ['/usr/bin/git', '/usr/local/bin/git'],
  ccache: ['/usr/bin/ccache'],
}
export const COMPILER_PACKAGES: readonly string[] = Object.keys(COMPILER)

/** Which of the packages (default: those of node and image) are missing; installs nothing. */
export async function missingSystemPackages(
  wanted: readonly string[] = Object.keys(PACKAGES),
): Promise<string[]> {
  const checked = await Promise.all(
    wanted.map(async (name) => {
      const files = PACKAGES[name] ?? COMPILER[name] ?? []
      const found = await Promise.all(
        files.map((file) =>
          access(file).then(
            () => true,
            () => false,
          ),
        ),
      )
      return found.includes(true) ? [] : [name]
    }),
  )
  return checked.flat()
}

/** Installs with apt which of the packages (default: those of node and image) are missing, and says so. */
export async function ensureSystemPackages(
  report: Report,
  wanted?: readonly string[],
): Promise<void> {
  const missing = await missingSystemPackages(wanted)
  if (missing.length === 0) return
  const what = `${missing.join(', ')}: programs that make the node, its image and the engine`
  await asStep(report, 'install system packages', what, () => install(missing))
}

async function install(packages: string[]): Promise<void> {
  // Without RUNLEVEL the packages would start services, which the node does not use.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const args = ['install', '--yes', '--no-install-recommends', ...packages]
  try {
    await run('apt-get', args, { env }).catch(async () => {
      await run('apt-get', ['update'], { env })
      await run('apt-get', args, { env })
    })
  } catch (error) {
    throw new KitError(
      'TOOL_MISSING',
      {
        path: 'system packages',
        expected: `${packages.join(', ')} on this machine`,
        got: `apt-get could not install them: ${(error as Error).message}`,
        fix: `install ${packages.join(', ')} with the package manager of your system, then run the command again`,
      },
      { cause: error },
    )
  }
}
