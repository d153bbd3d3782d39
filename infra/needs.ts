import { execFile } from 'node:child_process'
import { access, statfs } from 'node:fs/promises'
import { promisify } from 'node:util'
import { cacheFolder, stateFolder } from './local/paths.ts'
import { COMPILER_PACKAGES, missingSystemPackages } from './local/system-packages.ts'
import { findTool, type ToolName } from './local/toolchain.ts'
import { passphrasePath } from './passphrase.ts'

/** One thing that this machine should have. */
export interface Need {
  name: string
  state: 'there' | 'missing' | 'later'
  /** What was found, or what is wrong. */
  detail: string
  /** How to get it. */
  how: string
}

const TOOLS: readonly ToolName[] = ['pulumi', 'kubernetes', 'coredns', 'network-policy', 'helm']
const MIN_FREE_GIB = 8

/** Looks at everything that `up` on the embedded cluster needs; starts and fetches nothing. */
export async function checkNeeds(): Promise<Need[]> {
  return [
    {
      name: 'Node',
      state: 'there',
      detail: process.versions.node,
      how: '',
    },
    await command('npm', ['--version'], 'install npm with Node'),
    await command(
      'python3',
      ['-m', 'pip', '--version'],
      'install python3 with pip: weights come by it',
    ),
    root(),
    await packages(),
    await compiler(),
    await freeSpace(),
    ...(await Promise.all(TOOLS.map(tool))),
    await passphrase(),
  ]
}

async function command(name: string, args: string[], how: string): Promise<Need> {
  try {
    const { stdout } = await promisify(execFile)(name, args)
    return { name, state: 'there', detail: stdout.trim().split('\n')[0] ?? '', how: '' }
  } catch (error) {
    return { name, state: 'missing', detail: (error as Error).message.split('\n')[0] ?? '', how }
  }
}

function root(): Need {
  const there = process.platform === 'linux' && process.getuid?.() === 0
  return {
    name: 'root on Linux',
    state: there ? 'there' : 'missing',
    detail: there ? 'yes' : `${process.platform}, user ${process.getuid?.() ?? '?'}`,
    how: 'run as root, or use cluster.kind: existing with kind, minikube or k3d; `npm start` needs neither',
  }
}

async function packages(): Promise<Need> {
  const missing = await missingSystemPackages()
  return {
    name: 'Debian packages',
    state: missing.length === 0 ? 'there' : 'later',
    detail: missing.length === 0 ? 'all installed' : missing.join(' '),
    how: '`npm run up` installs them, or apt-get install them yourself',
  }
}

async function compiler(): Promise<Need> {
  const missing = await missingSystemPackages(COMPILER_PACKAGES)
  return {
    name: "the engine's compiler",
    state: missing.length === 0 ? 'there' : 'later',
    detail: missing.length === 0 ? 'installed' : missing.join(' '),
    how: '`npm run up` and `serantau engine build` install it; without it the prebuilt engine serves, slower',
  }
}

async function freeSpace(): Promise<Need> {
  const folders = [cacheFolder(), stateFolder(), '/']
  const found = await firstExisting(folders)
  const { bavail, bsize } = await statfs(found)
  const free = (bavail * bsize) / 2 ** 30
  return {
    name: 'disk space',
    state: free >= MIN_FREE_GIB ? 'there' : 'missing',
    detail: `${free.toFixed(1)} GiB free at ${found}`,
    how: `free ${MIN_FREE_GIB} GiB, or move SERANTAU_CACHE and SERANTAU_HOME`,
  }
}

async function firstExisting(folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    const there = await access(folder).then(
      () => true,
      () => false,
    )
    if (there) return folder
  }
  return '/'
}

async function tool(name: ToolName): Promise<Need> {
  const found = await findTool(name)
  return {
    name,
    state: found.state === 'missing' ? 'later' : 'there',
    detail:
      found.state === 'missing'
        ? `${found.version} not there yet`
        : `${found.version} ${found.path ?? ''}`,
    how: found.how,
  }
}

async function passphrase(): Promise<Need> {
  const path = passphrasePath()
  const there = await access(path).then(
    () => true,
    () => false,
  )
  return {
    name: 'state passphrase',
    state: there ? 'there' : 'later',
    detail: there ? `${path}: back it up, without it the state's secrets are lost` : 'none yet',
    how: '`npm run up` makes it',
  }
}
