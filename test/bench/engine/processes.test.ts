import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { watched, watchedCommands } from './processes.ts'

/** Takes a core for `ms`, tells, then stays until its input ends. */
const busy = (ms: number): ChildProcess => {
  const program = `const end = Date.now() + ${ms}; while (Date.now() < end); console.log('done'); process.stdin.resume()`
  return spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
}

test('a process that starts while it is watched counts from its start', async () => {
  const children: ChildProcess[] = []
  const pids = async () => children.map(({ pid }) => pid ?? 0)
  const { taken } = await watched(pids, async () => {
    const child = busy(300)
    children.push(child)
    await once(child.stdout!, 'data')
  })
  children[0]?.stdin?.end()
  expect(taken.cpuSeconds).toBeGreaterThan(0.1)
  expect(taken.peakMiB).toBeGreaterThan(5)
})

test('commands that end are told from everything else', async () => {
  const command = async () => {
    const child = busy(400)
    child.stdin?.end()
    child.stdout?.resume()
    await once(child, 'close')
  }
  const { taken } = await watchedCommands(command)
  expect(taken.cpuSeconds).toBeGreaterThan(0.15)
  // Those that ended before are no part of it.
  const { taken: none } = await watchedCommands(async () => undefined)
  expect(none.cpuSeconds).toBe(0)
})
