import { existsSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ArmName, type Setup, startArm } from './arms.ts'
import { Connection } from './client.ts'
import { DISTURBED } from './goals.ts'
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
      const connection = new Connection(running)
      await connection.complete({ prompt: given.prompts.prompt('first', 32), maxTokens: 8 })
      connection.close()
      if (arm === 'ours' || arm === 'gateway') await untilCalibrated(setup.stateFolder)
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
