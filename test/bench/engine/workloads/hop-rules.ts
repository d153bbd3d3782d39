import { execFile } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { RunningArm } from '../arms.ts'
import { HOP, askHop, warmUpHop } from './hop.ts'
import { meanOf } from './in-turn.ts'
import { type Cases, type Workload, figure, withArm } from './workload.ts'

const run = promisify(execFile)
/** Rules of Linux's scheduler that the engine's threads could follow: policy of chrt(1), nice value. */
const RULES = [
  { name: 'usual', policy: '--other', nice: 0 },
  { name: 'nice 10', policy: '--other', nice: 10 },
  { name: 'batch', policy: '--batch', nice: 0 },
  { name: 'idle', policy: '--idle', nice: 0 },
] as const
type Rule = (typeof RULES)[number]
const STREAMS = 16
const WAYS = ['direct', 'through', 'through', 'direct'] as const

/**
 * What the gateway adds at 16 streams, were the engine's threads to give way to the rest of the model
 * server by one of the scheduler's rules. Needs root: only root may take a rule back.
 */
export const HOP_RULES: Workload = {
  ...HOP,
  title: "the hop at 16 streams, the engine's threads under other rules of the scheduler",
  onlyNamed: true,
  run: (session) =>
    withArm(session, async (arm) => {
      const cases: Cases = {}
      await warmUpHop(session, arm)
      const taken: Record<string, Cases[string][]> = {}
      // A rule after the other in each turn: what changes on the machine meanwhile meets all alike.
      for (const [turn, way] of WAYS.entries()) {
        for (const [at, rule] of RULES.entries()) {
          await follow(arm, rule)
          const asked = () => askHop(session, arm, STREAMS, turn * RULES.length + at, way)
          const figures = await session.measure(arm, asked)
          ;(taken[`${rule.name}, ${way}`] ??= []).push(figures)
        }
      }
      for (const [name, each] of Object.entries(taken)) cases[name] = meanOf(each)
      return cases
    }),
  score: (cases) => figure(cases, 'usual, through', 'tokensPerSecond'),
}

async function follow(arm: RunningArm, { policy, nice }: Rule): Promise<void> {
  for (const pid of await enginePids(arm)) {
    await run('chrt', ['--all-tasks', policy, '--pid', '0', `${pid}`])
    for (const thread of await readdir(`/proc/${pid}/task`)) {
      await run('renice', ['-n', `${nice}`, '-p', thread])
    }
  }
}

async function enginePids(arm: RunningArm): Promise<number[]> {
  const pids = await arm.pids()
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8')))
  const found = pids.filter((_, at) => /engine-process\.[jt]s/.test(commands[at] ?? ''))
  if (found.length === 0) throw new Error('the model server has no engine process')
  return found
}
