import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PROJECT } from '../../../../infra/local/image/app-files.ts'
import { until } from '../../../helpers/roles.ts'

const MAIN = join(PROJECT, 'infra', 'local', 'provider', 'main.ts')

/** A zombie waits for nothing but its parent. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !/\) Z /.test(stat)
}

test('the provider ends when the engine that started it was killed', async () => {
  // A shell in the engine's place.
  const start = `"${process.execPath}" "${MAIN}" 127.0.0.1:9 & echo "pid $!"; wait`
  const engine = spawn('sh', ['-c', start], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  engine.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  // Its port comes when it serves.
  await until(() => /^\d+$/m.test(said), 'the provider serves', 20_000)
  const pid = Number(/^pid (\d+)$/m.exec(said)?.[1])
  expect(await isAlive(pid)).toBe(true)
  engine.kill('SIGKILL')
  await once(engine, 'exit')
  await until(async () => !(await isAlive(pid)), 'the provider is gone', 10_000)
})
