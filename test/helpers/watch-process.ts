/**
 * Loaded before a program (`--import`): how long its event loop keeps others waiting, in the file that
 * WATCH_FILE names, as JSON, once a second. SIGWINCH, which means nothing to a server: counts from now on.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 10
const WRITE_MS = 1000

const file = process.env['WATCH_FILE']
if (file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  process.on('SIGWINCH', () => delay.reset())
  /** What is measured is the time from look to look. */
  const beyond = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
  const write = () => {
    const [p99Ms, mostMs] = [beyond(delay.percentile(99)), beyond(delay.max)]
    writeFileSync(`${file}.new`, JSON.stringify({ p99Ms, mostMs, pid: process.pid }))
    renameSync(`${file}.new`, file)
  }
  setInterval(write, WRITE_MS).unref()
}
