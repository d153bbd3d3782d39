/** Holds a canary in memory and aborts: `how` it is run. */
import { spawnSync } from 'node:child_process'
import { leaveMemoryOutOfCoreDumps } from '../../server/core-dumps.ts'

const how = process.argv[2] ?? ''
if (how.startsWith('left out')) leaveMemoryOutOfCoreDumps()
if (how.endsWith('child')) {
  spawnSync(process.execPath, [import.meta.filename, 'as it comes'], { stdio: 'ignore' })
  process.exit(0)
}
const held = Buffer.from(`canary-${process.pid}-in-memory`.repeat(100))
if (held.length > 0) process.abort()
