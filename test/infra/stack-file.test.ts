import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { addKey, createStackFileIfMissing, loadStackFile } from '../../infra/stack-file.ts'

let project: string
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'serantau-stack-'))
})
afterEach(() => rm(project, { recursive: true }))

const key = (name: string, digit: string) => ({
  name,
  sha256: digit.repeat(64),
  role: 'user' as const,
})

test('the default file serves the smallest model on the embedded cluster', async () => {
  expect(await createStackFileIfMissing(project, 'local')).toBe(true)
  expect(await loadStackFile(project, 'local')).toMatchObject({
    cluster: { kind: 'local', name: 'default' },
    models: [{ id: 'smollm2-135m-instruct' }],
  })
})

test('what stands once in the file may be named again by a YAML alias', async () => {
  const text = `config:
  serantau:jurisdiction: { country: MY }
  serantau:models:
    - &first { id: smollm2-135m-instruct, slots: 7 }
    - { id: gemma-3-270m }
    - *first
`
  await writeFile(join(project, 'Pulumi.local.yaml'), text)
  const { models } = await loadStackFile(project, 'local')
  expect(models[2]).toEqual(models[0])
})

test('an existing file is never overwritten', async () => {
  await writeFile(join(project, 'Pulumi.local.yaml'), 'config: {}\n')
  expect(await createStackFileIfMissing(project, 'local')).toBe(false)
  expect(await readFile(join(project, 'Pulumi.local.yaml'), 'utf8')).toBe('config: {}\n')
})

test('adding keys keeps comments and earlier keys', async () => {
  await createStackFileIfMissing(project, 'local')
  await addKey(project, 'local', key('first', 'a'))
  await addKey(project, 'local', key('second', 'b'))
  const text = await readFile(join(project, 'Pulumi.local.yaml'), 'utf8')
  expect(text).toContain('# ZZ stands for')
  const { keys } = await loadStackFile(project, 'local')
  expect(keys.map(({ name }) => name)).toEqual(['first', 'second'])
})

test('a stack without a file names the file and the fix', async () => {
  await expect(loadStackFile(project, 'prod')).rejects.toMatchObject({
    code: 'STACK_FILE_INVALID',
    message: expect.stringMatching(/Pulumi\.prod\.yaml: expected a stack file, got no such file/),
  })
})

test('broken YAML names the place', async () => {
  await writeFile(join(project, 'Pulumi.local.yaml'), 'config:\n  serantau:models: [\n')
  await expect(loadStackFile(project, 'local')).rejects.toMatchObject({
    code: 'STACK_FILE_INVALID',
    message: expect.stringMatching(/valid YAML, got .*line 3/),
  })
})

test('a scalar that Pulumi saved as text is read as what it stands for', async () => {
  await writeFile(
    join(project, 'Pulumi.local.yaml'),
    'config:\n  serantau:jurisdiction: { country: MY }\n  serantau:createNamespace: "false"\n  serantau:gatewayReplicas: "2"\n  serantau:namespace: "123"\n  serantau:models: [{ id: smollm2-135m-instruct }]\n',
  )
  expect(await loadStackFile(project, 'local')).toMatchObject({
    createNamespace: false,
    gatewayReplicas: 2,
    namespace: '123',
  })
})
