// The only file that an older Node runs: it installs the pinned packages when they are missing or
// stale, then hands over to the pinned Node, which runs TypeScript as it stands.
//   node cli/bootstrap.mjs <entry.ts> [arguments]
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, 'node_modules', '.serantau-lock')
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20) {
  console.error(
    `Node: expected >= 20, got ${process.versions.node}. Fix: install Node 20 or newer.`,
  )
  process.exit(3)
}

const installed = existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === lock
if (!installed) {
  console.error('Installing the pinned npm packages (npm ci), once ...')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const result = spawnSync(npm, ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (result.status !== 0) {
    console.error(
      'npm packages: expected `npm ci` to succeed, got a failure (above). Fix: check that the npm registry, or your mirror of it, is reachable.',
    )
    process.exit(3)
  }
  writeFileSync(stamp, `${lock}\n`)
}

/** The pinned Node when npm brought one for this platform, else this one when it is new enough. */
function findNode() {
  const pinned = join(
    root,
    'node_modules',
    `node-${process.platform}-${process.arch}`,
    'bin',
    'node',
  )
  if (existsSync(pinned)) return pinned
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath
  console.error(
    `Node: expected >= 22.18 on ${process.platform}-${process.arch}, got ${process.versions.node}. Fix: install Node 22.18 or newer.`,
  )
  process.exit(3)
}

const [entry, ...args] = process.argv.slice(2)
const nodeFlags = ['--disable-warning=ExperimentalWarning']
const node = findNode()
const child = spawn(node, [...nodeFlags, join(root, entry), ...args], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH ?? ''}` },
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  if (signal) process.kill(process.pid, signal)
  else process.exit(code ?? 1)
})
