import { existsSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ArmName, type RunningArm, type Setup, startArm } from './arms.ts'
import { DISTURBED } from './goals.ts'
import { closedLoop } from './load.ts'
import { watched } from './processes.ts'
import type { Session } from './workloads/workload.ts'

type Given = Pick<Session, 'prompts' | 'quick' | 'soakRequests' | 'seed' | 'capacity'>

export const say = (line: string): boolean => process.stderr.write(`${line}\n`)

/** What a workload does with one arm. */
export function sessionOf(arm: ArmName, setup: Setup, given: Given): Session {
  return {
    ...given,
    slots: setup.slots,
    startCold: async () => {
      const began = performance.now()
      const running = await startArm(arm, setup)
      return { arm: running, readyMs: performance.now() - began }
    },
    start: async () => {
      const running = await startArm(arm, setup)
      await warmUp(running, setup.slots, given.prompts)
      if (arm === 'ours' || arm === 'prebuilt' || arm === 'gateway')
        await untilCalibrated(setup.stateFolder)
      return running
    },
    measure: async (running, work) => {
      const load = loadavg()[0] ?? Number.NaN
      const { value, taken } = await watched(await running.pids(), work)
      const { cpuSeconds, otherCpuSeconds } = taken
      const share = otherCpuSeconds / cpuSeconds
      if (share > DISTURBED) {
        say(`  disturbed: others took ${(share * 100).toFixed(0)} % of what the arm took`)
      }
      return { ...value, ...taken, load }
    },
  }
}

/** What is measured is a server that has served before: W11 measures one that has not. */
async function warmUp(arm: RunningArm, slots: number, prompts: Given['prompts']): Promise<void> {
  const ask = (stream: number) => ({ prompt: prompts.prompt(`first ${stream}`, 64), maxTokens: 32 })
  await closedLoop(arm, slots, 1, ask)
}

const COST_TABLE = 'cost-table.json'
const CALIBRATION_MS = 60_000

/** A first start measures its steps while idle and keeps them: what follows is every later start. */
async function untilCalibrated(stateFolder: string): Promise<void> {
  const end = performance.now() + CALIBRATION_MS
  while (!existsSync(join(stateFolder, COST_TABLE))) {
    if (performance.now() > end) return void say('  our engine has measured no steps in a minute')
    await sleep(100)
  }
}
