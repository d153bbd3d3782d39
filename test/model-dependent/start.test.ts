import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DEFAULT_MODEL_ID } from '../../catalog/models/index.ts'
import { ROOT } from '../helpers/project.ts'
import { until } from '../helpers/roles.ts'

let home: string
let server: ChildProcess
let printed = ''

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'serantau-start-'))
  server = spawn(process.execPath, [join(ROOT, 'server', 'start.ts'), '--port', '0'], {
    env: { ...process.env, SERANTAU_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  server.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
  await new Promise<void>((resolve, reject) => {
    server.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
      if (printed.includes('messages')) resolve()
    })
    server.on('exit', (code) => reject(new Error(`npm start ended with ${code}\n${log}`)))
  })
})
afterAll(async () => {
  server.kill('SIGTERM')
  await rm(home, { recursive: true, force: true })
})

test('`npm start` prints a curl line that works as it stands', async () => {
  const command = printed.slice(printed.indexOf('curl'))
  const { stdout } = await promisify(execFile)('bash', ['-c', `${command.trim()} --silent`])
  expect(stdout).toContain('chat.completion')
})

test('its key lies in a 0600 file', async () => {
  expect((await stat(join(home, 'npm-start.key'))).mode & 0o777).toBe(0o600)
})

test('what it measured of its steps is kept for the next start', async () => {
  const measured = join(home, 'engine', DEFAULT_MODEL_ID, 'cost-table.json')
  await until(() => existsSync(measured), 'steps to be measured', 60_000)
})

const MEMORY = '/dev/shm'
const memoryFolders = () =>
  readdirSync(MEMORY).filter((name) => name.startsWith(`serantau-start-${server.pid}-`))

test.skipIf(!existsSync(MEMORY))(
  'displaced prefixes lie in a private folder in memory',
  async () => {
    const [name] = memoryFolders()
    expect((await stat(join(MEMORY, name!, 'prefixes'))).mode & 0o777).toBe(0o700)
  },
)

test('SIGTERM ends it and its engine', async () => {
  const ended = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGTERM')
  expect(await ended).toBe(0)
  if (existsSync(MEMORY)) expect(memoryFolders()).toEqual([])
})
