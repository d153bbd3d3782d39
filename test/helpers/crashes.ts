/** Holds a canary in memory and aborts: `how` it is run. */
import { spawnSync } from 'node:child_process'
import { leaveMemoryOutOfCoreDumps } from '../../server/core-dumps.ts'

const how = process.argv[2] ?? ''
if (how.startsWith('left out')) leaveMemoryOutOfCoreDumps()
if (how.endsWith('child')) {
  spawnSync(process.execPath, [import.meta.filename, 'as it comes'], { stdio: 'ignore' })
  process.exit(0)
}
const canary = `canary-${process.pid}-in-memory`
const held = Buffer.from(canary.repeat(100))
// The registers that copied it hold a part of it still, and a dump has them: the next copy leaves its own.
const next = Buffer.from('-'.repeat(canary.length).repeat(100))
if (held.length === next.length) process.abort()
