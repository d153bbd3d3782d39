import { expect, test } from 'vitest'
import { createProgress } from '../../cli/progress.ts'

function record(isTTY: boolean, env: NodeJS.ProcessEnv = {}) {
  let text = ''
  const output = { isTTY, write: (chunk: string) => (text += chunk) }
  const report = createProgress(output, env)
  report({ step: 'build', state: 'start', detail: 'once' })
  report({ step: 'build', state: 'info', detail: 'half' })
  report({ step: 'build', state: 'done' })
  return text
}

test('without a terminal every event is a plain line', () => {
  const lines = record(false).trimEnd().split('\n')
  expect(lines).toHaveLength(3)
  expect(lines[0]).toMatch(/^\[ *\d+\.\d s\] build: once$/)
  expect(lines[2]).toMatch(/build done in \d+\.\d s$/)
})

test('NO_COLOR is honoured on a terminal', () => {
  expect(record(true)).toContain('\u001b[32m')
  expect(record(true, { NO_COLOR: '1' })).not.toContain('\u001b[32m')
})
