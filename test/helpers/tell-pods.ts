import { beforeEach } from 'vitest'
import { kubectl } from './kubectl.ts'

/** Of a log. */
const LINES = 20
const NOT_OURS = 'metadata.namespace!=kube-system'

/** From here on a test that fails prints the cluster's pods, their events and the ends of their logs. */
export function tellPodsOfFailed(kubeconfig: () => string): void {
  beforeEach(({ onTestFailed }) => {
    onTestFailed(async () => {
      console.error(await podsOf(kubeconfig()))
    })
  })
}

async function podsOf(kubeconfig: string): Promise<string> {
  const ask = (...args: string[]) =>
    kubectl('--kubeconfig', kubeconfig, ...args).catch((error: unknown) => String(error))
  const everywhere = ['-A', '--field-selector', NOT_OURS]
  const names = [
    '-o',
    'jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{"\\n"}{end}',
  ]
  const pods = (await ask('get', 'pods', ...everywhere, ...names)).trim().split('\n')
  const logs = pods.map((pod) => {
    const [namespace = '', name = ''] = pod.split(' ')
    const which = ['--all-containers', '--prefix', '--ignore-errors', `--tail=${LINES}`]
    return ask('-n', namespace, 'logs', name, ...which)
  })
  return [
    await ask('get', 'pods', ...everywhere, '-o', 'wide'),
    await ask('get', 'events', ...everywhere, '--sort-by=.lastTimestamp'),
    ...(await Promise.all(logs)),
  ].join('\n')
}
