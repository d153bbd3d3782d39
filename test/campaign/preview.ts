import { writeFile } from 'node:fs/promises'
import { stringify } from 'yaml'
import { quantile } from '../bench/engine/statistics.ts'
import { KARPENTER_POOL, POOLS_STACK, weights } from '../helpers/pool-stacks.ts'
import { TestProject } from '../helpers/project.ts'
import { type Outcome, type WithoutModel, show } from './campaign.ts'

const MOST_SECONDS = 6

const STACK = {
  jurisdiction: POOLS_STACK.jurisdiction,
  cluster: { kind: 'local', name: 'preview' },
  acceptedLicences: ['gemma', 'llama3.3'],
  nodePools: [
    KARPENTER_POOL,
    { ...KARPENTER_POOL, name: 'h100', accelerator: 'nvidia-h100', cards: 8 },
    { name: 'rack', provisioner: 'existing', accelerator: 'cpu', nodeLabels: { rack: 'r1' } },
  ],
  models: [
    { id: 'qwen3-32b', pool: 'l40s', contextSize: 4096, weights },
    {
      ...{ id: 'llama-3.3-70b-instruct', pool: 'h100', contextSize: 4096 },
      weights: { ...weights, bytes: 42_520_398_432, sha256: '4'.repeat(64) },
    },
    { id: 'smollm2-135m-instruct', pool: 'rack' },
    { id: 'gemma-3-270m', pool: 'rack' },
  ],
}

/** `serantau preview` of three pools and four models, the first one apart: it finds the tools. */
export async function preview({ size, say }: WithoutModel): Promise<Outcome> {
  const project = await TestProject.create()
  try {
    const config = Object.entries(STACK).map(([key, value]) => [`serantau:${key}`, value])
    await writeFile(
      project.stackFile('local'),
      stringify({ config: Object.fromEntries(config) as unknown }),
    )
    const seconds: number[] = []
    for (let turn = 0; turn <= size; turn++) {
      const began = performance.now()
      await project.succeed(['preview'])
      seconds.push((performance.now() - began) / 1000)
      say(`preview ${turn} of ${size}: ${show(seconds.at(-1) ?? 0)} s`)
    }
    const warm = seconds.slice(1)
    const median = quantile(warm, 0.5)
    return {
      figures: [
        ['first', `${show(seconds[0] ?? 0)} s`],
        ['warm, median', `${show(median)} s`],
        ['warm, longest', `${show(Math.max(...warm))} s`],
      ],
      failures: median <= MOST_SECONDS ? [] : [`median ${show(median)} s > ${MOST_SECONDS} s`],
    }
  } finally {
    await project.remove()
  }
}
