import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, open, readFile, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { run } from '../../infra/local/command.ts'
import type { ProgressEvent } from '../../infra/progress.ts'

const TOOLCHAIN = join(import.meta.dirname, '../../infra/local/toolchain.ts')

/** Real builds with the real Go, of the smallest tool, into a cache of their own. */
describe('the toolchain', () => {
  let cache = ''
  let events: ProgressEvent[] = []
  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'serantau-tools-'))
    vi.stubEnv('SERANTAU_CACHE', cache)
    events = []
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await rm(cache, { recursive: true, force: true })
  })

  /** As another command would: nothing remembered of what was ensured before. */
  async function ensureTool(): Promise<string> {
    vi.resetModules()
    const { ensureTool: ensure } = await import('../../infra/local/toolchain.ts')
    return ensure('sandbox', (event) => events.push(event))
  }
  const builds = (): number =>
    events.filter(({ step, state }) => step === 'get sandbox' && state === 'start').length

  it('builds a tool that works, once', async () => {
    const path = await ensureTool()
    expect(await run(path, ['version'])).toBe('1\n')
    expect(await ensureTool()).toBe(path)
    expect(builds()).toBe(1)
  })

  it('detects a corrupt tool, says so and builds it again', async () => {
    const path = await ensureTool()
    const whole = await readFile(path)
    const file = await open(path, 'r+')
    await file.write('corrupt', 5000)
    await file.close()
    expect(await ensureTool()).toBe(path)
    expect(builds()).toBe(2)
    expect(events.some(({ detail }) => detail?.includes('corrupt'))).toBe(true)
    // The same inputs give the same program.
    expect((await readFile(path)).equals(whole)).toBe(true)
  })

  const inAnotherProcess = (): { child: ReturnType<typeof spawn>; output: Promise<string> } => {
    const script = `import('${TOOLCHAIN}')
      .then(({ ensureTool }) => ensureTool('sandbox', ({ step, state }) => console.log(step, state)))`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const output = new Promise<string>((resolve) => {
      let text = ''
      child.stdout.on('data', (chunk) => (text += String(chunk)))
      child.once('close', () => resolve(text))
    })
    return { child, output }
  }

  it('builds once when two commands need it at the same time', async () => {
    const outputs = await Promise.all([inAnotherProcess().output, inAnotherProcess().output])
    expect(outputs.join('').match(/get sandbox start/g)).toHaveLength(1)
    expect(await run(await ensureTool(), ['version'])).toBe('1\n')
    expect(builds()).toBe(0)
  })

  it('goes on after a kill and leaves no half-built tool', async () => {
    const { child, output } = inAnotherProcess()
    await new Promise((resolve) => child.stdout!.once('data', resolve))
    child.kill('SIGKILL')
    await output
    const path = await ensureTool()
    expect(await run(path, ['version'])).toBe('1\n')
    const left = await readdir(join(cache, 'tools', 'sandbox'))
    expect(left.filter((name) => name.includes('.part-') || name === 'lock')).toEqual([])
  })

  it('says DISK_FULL and leaves nothing half-done', async () => {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'serantau-test', cache])
    try {
      await expect(ensureTool()).rejects.toMatchObject({
        code: 'DISK_FULL',
        problems: [{ fix: expect.stringContaining('SERANTAU_CACHE') as string }],
      })
      expect(await readdir(join(cache, 'tools', 'sandbox'))).toEqual([])
    } finally {
      await run('umount', [cache])
    }
  })

  it('says TOOL_BUILD_FAILED with the output of the compiler', async () => {
    vi.stubEnv('GOPROXY', 'off')
    vi.stubEnv('GOCACHE', '/proc/nowhere')
    await expect(ensureTool()).rejects.toMatchObject({
      code: 'TOOL_BUILD_FAILED',
      problems: [{ got: expect.stringContaining('/proc/nowhere') as string }],
    })
  })

  it('takes the tool that the environment names', async () => {
    const path = await ensureTool()
    await mkdir(join(cache, 'mine'))
    await symlink(path, join(cache, 'mine', 'sandbox'))
    vi.stubEnv('SERANTAU_TOOL_SANDBOX', join(cache, 'mine', 'sandbox'))
    expect(await ensureTool()).toBe(join(cache, 'mine', 'sandbox'))
  })
})
