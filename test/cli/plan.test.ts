import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ACCELERATOR_IDS } from '../../catalog/accelerator.ts'
import type { Plan } from '../../infra/nodes/plan.ts'
import { TestProject } from '../helpers/project.ts'
import { ggufFile } from '../helpers/small-gguf.ts'
import { CHAT } from '../helpers/small-models.ts'

describe('`plan`', () => {
  let project: TestProject
  beforeEach(async () => {
    project = await TestProject.create()
  })
  afterEach(() => project.remove())

  test('tells a person what a model of the catalogue takes, and of every accelerator whether it holds it', async () => {
    const { status, stdout } = await project.run(['plan', 'llama-3.3-70b-instruct', '--slots', '8'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^llama-3\.3-70b-instruct Q4_K_M: 8 slots of 8192 tokens, cache f16/)
    // 80 layers x 2 x 1024 values x 2 bytes x 8 x 8192 tokens.
    expect(stdout).toMatch(/^ {2}cache +20\.0 GiB$/m)
    expect(stdout).toMatch(/^NVIDIA H100 +1 +59\.8 GiB +\d+ \/ \d+$/m)
    expect(stdout).toMatch(/^NVIDIA T4 +8 /m)
    expect(stdout).toMatch(/^Huawei.*Ascend 910B.*another engine/m)
  })

  test('tells a program the same, a row for each accelerator', async () => {
    const plan = await project.json<Plan>(['plan', 'qwen3-32b', '--replicas', '3'])
    expect(plan.rows.map(({ id }) => id)).toEqual([...ACCELERATOR_IDS])
    const l40s = plan.rows.find(({ id }) => id === 'nvidia-l40s')
    expect(l40s?.verdict).toMatchObject({ kind: 'fits', cards: 1, allCards: 3 })
  })

  test('names what would fit where a model does not', async () => {
    const args = ['plan', 'llama-3.3-70b-instruct', '--context', '131072', '--slots', '16']
    const { stdout } = await project.run(args)
    expect(stdout).toMatch(/^NVIDIA L4 .*would fit: --context \d+, or --slots \d+/m)
  })

  test('plans a file by its header', async () => {
    const path = join(project.folder, 'a.gguf')
    await writeFile(path, ggufFile(CHAT))
    const plan = await project.json<Plan>(['plan', path, '--context', '256', '--slots', '1'])
    // One layer, two key heads of eight values, keys and values of two bytes.
    expect(plan.memory.cache).toBe(256 * 2 * 16 * 2)
    expect(plan.memory.weights).toBe(18_688 * 4)
  })

  test('tells what an hour costs where the file of prices has the card', async () => {
    const path = join(project.folder, 'prices.yaml')
    await writeFile(path, 'nvidia-l4: 0.7\n')
    const { stdout } = await project.run(['plan', 'qwen3-32b', '--replicas', '2', '--prices', path])
    expect(stdout).toMatch(/^NVIDIA L4 .* 2\.80 an hour$/m)
    expect(stdout).not.toMatch(/^NVIDIA L40S.*an hour$/m)
  })

  test.each([
    ['nvidia-l5: 1', 'nvidia-l5'],
    ['nvidia-l4: -1', 'nvidia-l4'],
    ['- 1', 'prices.yaml'],
    ['"', 'prices.yaml'],
  ])('prices of %j are refused with their place', async (text, place) => {
    const path = join(project.folder, 'prices.yaml')
    await writeFile(path, text)
    const { status, stderr } = await project.run(['plan', 'qwen3-32b', '--prices', path])
    expect(status).toBe(2)
    expect(stderr).toContain('USAGE')
    expect(stderr).toContain(place)
  })

  test.each([
    [['no-such-model'], 'MODEL_UNKNOWN', 'an id of the catalogue'],
    [['qwen3-32b', '-q', 'Q9'], 'MODEL_UNKNOWN', 'one of Q4_K_M, Q8_0'],
    [['http://mirror.example/a.gguf'], 'WEIGHTS_UNAVAILABLE', 'https'],
    [['.'], 'WEIGHTS_UNAVAILABLE', 'expected a file'],
  ])('%j is refused with %s', async (args, code, why) => {
    const { status, stderr } = await project.run(['plan', ...args])
    expect(status).toBeGreaterThan(0)
    expect(stderr).toContain(code)
    expect(stderr).toContain(why)
  })

  test.each(['0', '-1', '1.5', '1e9', 'NaN'])(
    'a context of %s is no whole number',
    async (tokens) => {
      const { status, stderr } = await project.run(['plan', 'qwen3-32b', '--context', tokens])
      expect(status).toBe(2)
      expect(stderr).toContain('whole number')
    },
  )

  test('a header cut short is refused with its place', async () => {
    const path = join(project.folder, 'a.gguf')
    await writeFile(path, ggufFile(CHAT).subarray(0, 3000))
    const { stderr } = await project.run(['plan', path])
    expect(stderr).toContain('WEIGHTS_CORRUPT')
  })
})
