import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { UpResult } from '../../infra/up.ts'
import { MODELS } from '../bench/engine/options.ts'
import { kubectl } from '../helpers/kubectl.ts'
import { TestProject } from '../helpers/project.ts'
import type { Outcome, Settings } from './campaign.ts'
import { scaleFromZero } from './scale-from-zero.ts'

const CLUSTER = 'zero-campaign'
const STREAMS = 8
const MAX_TOKENS = 24

/** In an embedded cluster of its own, by two gateways that share one Lease. */
export async function fromZero({ model, size, say }: Settings): Promise<Outcome> {
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
    return await scaleFromZero({
      endpoint: result.outputs.endpoint,
      key: (await readFile(result.keyFile ?? '', 'utf8')).trim(),
      ...{ model: id, deployment: `model-${id}` },
      kubectl: (...args) => kubectl('--kubeconfig', kubeconfig, '-n', 'serantau', ...args),
      ...{ cycles: size, streams: STREAMS, maxTokens: MAX_TOKENS, say },
    })
  } finally {
    await leave()
  }
}

const stackOf = (id: string) => `config:
  serantau:jurisdiction: { country: MY, regions: [] }
  serantau:cluster: { kind: local, name: ${CLUSTER} }
  serantau:acceptedLicences: [gemma]
  serantau:gatewayReplicas: 2
  serantau:models:
    - { id: ${id}, replicas: { min: 0, max: 1, idleSeconds: 5 } }
`
