import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ArmName, type RunningArm, type Setup, startArm } from './arms.ts'
import { closedLoop } from './load.ts'
import { recorded, say } from './recorded.ts'
import type { Session } from './workloads/workload.ts'

type Given = Pick<Session, 'prompts' | 'quick' | 'streams' | 'soakRequests' | 'seed' | 'capacity'>

/** What a workload does with one arm. */
export function sessionOf(arm: ArmName, setup: Setup, given: Given): Session {
  return {
    ...given,
    slots: setup.slots,
    start: async () => {
      const running = await startArm(arm, setup)
      await warmUp(running, setup.slots, given.prompts)
      if (arm === 'ours' || arm === 'prebuilt' || arm === 'gateway')
        await untilCalibrated(setup.stateFolder)
      return running
    },
    measure: (running, work) => recorded(running.pids, work),
    measureStart: async (work) => {
      const started: RunningArm[] = []
      const pids = async () => (await Promise.all(started.map((each) => each.pids()))).flat()
      const figures = await recorded(pids, async () => {
        const began = performance.now()
        const running = await startArm(arm, setup)
        const readyMs = performance.now() - began
        started.push(running)
        return work(running, readyMs)
      })
      return { arm: started[0] as RunningArm, figures }
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
