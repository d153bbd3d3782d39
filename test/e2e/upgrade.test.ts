import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Status } from '../../infra/status.ts'
import type { UpResult } from '../../infra/up.ts'
import { kubectl as runKubectl } from '../helpers/kubectl.ts'
import { ROOT, TestProject } from '../helpers/project.ts'
import { tellPodsOfFailed } from '../helpers/tell-pods.ts'

/** What people run where no release is tagged: the last commit before pools of nodes. */
const BEFORE_TAGS = '3584732eaba45889d1a8326ebd5d875082f9231f'
const SMOL = 'smollm2-135m-instruct'
const CLUSTER = 'upgrade'
const STACK = `config:
  serantau:jurisdiction: { country: MY, regions: [] }
  serantau:cluster: { kind: local, name: ${CLUSTER} }
  serantau:models:
    - id: ${SMOL}
`
const run = promisify(execFile)
const git = async (...args: string[]) => (await run('git', ['-C', ROOT, ...args])).stdout.trim()

/** The newest release before this commit; undefined: this copy of the kit has no history. */
async function previousRelease(): Promise<string | undefined> {
  const tagged = await git('describe', '--tags', '--abbrev=0', 'HEAD^').catch(() => BEFORE_TAGS)
  return git('rev-parse', '--verify', `${tagged}^{commit}`).catch(() => undefined)
}

const previous = await previousRelease()

describe.skipIf(previous === undefined)('a stack of the release before', () => {
  let project: TestProject
  let before: string
  let kubectl: (...args: string[]) => Promise<string>

  beforeAll(async () => {
    before = await mkdtemp(join(tmpdir(), 'serantau-before-'))
    const archive = join(before, 'kit.tar')
    await git('archive', '-o', archive, previous ?? '')
    await run('tar', ['-xf', archive, '-C', before])
    await symlink(join(ROOT, 'node_modules'), join(before, 'node_modules'))
    project = await TestProject.create(before)
    await writeFile(project.stackFile('local'), STACK)
    const kubeconfig = join(project.home, 'clusters', CLUSTER, 'kubeconfig')
    kubectl = (...args) => runKubectl('--kubeconfig', kubeconfig, '-n', 'serantau', ...args)
  })
  afterAll(async () => {
    await project.run(['down', '--yes'])
    await project.remove()
    await rm(before, { recursive: true, force: true })
  })
  tellPodsOfFailed(() => join(project.home, 'clusters', CLUSTER, 'kubeconfig'))

  /** What must be the same object afterwards: what holds data, and what clients and pods know by name. */
  const lasting = async () => {
    const kinds = 'pvc,pv,namespace,secret,service,deployment'
    const path = '{range .items[*]}{.kind}/{.metadata.name} {.metadata.uid}{"\\n"}{end}'
    const listed = await kubectl('get', kinds, '-o', `jsonpath=${path}`)
    return listed
      .split('\n')
      .filter((line) => line !== '')
      .sort()
  }

  test('moves to this one with its state: no object that lasts is replaced, no stream is cut, the key holds', async () => {
    const old = await project.json<UpResult>(['up'])
    const key = (await readFile(old.keyFile ?? '', 'utf8')).trim()
    const client = new OpenAI({ baseURL: old.outputs.endpoint, apiKey: key, maxRetries: 0 })
    const objects = await lasting()
    expect(objects.some((line) => line.startsWith('PersistentVolumeClaim/'))).toBe(true)

    let upgraded = false
    const streams: { finish: string | null | undefined; across: boolean }[] = []
    const keepReading = async () => {
      while (!upgraded) {
        const stream = await client.completions.create({
          ...{ model: SMOL, max_tokens: 150, temperature: 0, stream: true },
          prompt: '1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,',
        })
        let finish: string | null | undefined
        for await (const chunk of stream) finish = chunk.choices[0]?.finish_reason ?? finish
        streams.push({ finish, across: upgraded })
      }
    }
    await project.use(ROOT)
    const reading = Promise.all([keepReading(), keepReading()])
    const result = await project.json<UpResult>(['up']).finally(() => (upgraded = true))
    await reading

    expect(result.outputs.endpoint).toBe(old.outputs.endpoint)
    const replaced = result.steps.filter(({ op }) => /replace|delete/.test(op))
    expect(replaced).toEqual([])
    expect(await lasting()).toEqual(expect.arrayContaining(objects))
    expect(streams.length).toBeGreaterThan(1)
    expect(streams.map(({ finish }) => finish)).toEqual(streams.map(() => 'length'))
    const served = await client.chat.completions.create({
      ...{ model: SMOL, max_tokens: 4 },
      messages: [{ role: 'user', content: 'Hello' }],
    })
    expect(served.choices).toHaveLength(1)
    const { deployments } = await project.json<Status>(['status'])
    expect(deployments.map(({ ready, wanted }) => [ready, wanted])).toEqual([
      [1, 1],
      [1, 1],
    ])
    expect((await project.json<UpResult>(['up'])).steps).toEqual([])
  }, 600_000)
})
