import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { UpResult } from '../../infra/up.ts'
import { MODELS } from '../bench/engine/options.ts'
import { kubectl } from '../helpers/kubectl.ts'
import { TestProject } from '../helpers/project.ts'
import type { Outcome, Settings } from './campaign.ts'
import { LONG_STREAMS, rollUnderLoad } from './roll-under-load.ts'

const CLUSTER = 'rolling-campaign'
const STREAMS = 60
const MAX_TOKENS = 24

/** In an embedded cluster of its own: rolling updates of gateway and model, one after the other. */
export async function rolling({ model, size, say }: Settings): Promise<Outcome> {
  const id = MODELS[model]
  const project = await TestProject.create()
  const leave = async () => {
    say('down')
    await project.run(['down', '--yes'])
    await project.remove()
  }
  // Whoever ends the campaign early keeps no cluster.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void leave().finally(() => process.exit(130)))
  }
  try {
    await writeFile(project.stackFile('local'), stackOf(id))
    say('up')
    const result = await project.json<UpResult>(['up'])
    const kubeconfig = join(project.home, 'clusters', CLUSTER, 'kubeconfig')
    return await rollUnderLoad({
      endpoint: result.outputs.endpoint,
      key: (await readFile(result.keyFile ?? '', 'utf8')).trim(),
      model: id,
      kubectl: (...args) => kubectl('--kubeconfig', kubeconfig, '-n', 'serantau', ...args),
      deployments: [`model-${id}`, 'gateway'],
      ...{ updates: size, streams: STREAMS, maxTokens: MAX_TOKENS, long: LONG_STREAMS, say },
    })
  } finally {
    await leave()
  }
}

/** Patient: who waits for a slot is not refused, so that each request shows what a rollout does to it. */
const stackOf = (id: string) => `config:
  serantau:jurisdiction: { country: MY, regions: [] }
  serantau:cluster: { kind: local, name: ${CLUSTER} }
  serantau:acceptedLicences: [gemma]
  serantau:models:
    - { id: ${id}, slots: 16, contextSize: 320, firstTokenMs: 600000 }
`
