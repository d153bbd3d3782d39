import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { stateBackend } from '../../infra/state-backend.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serantau-backend-'))
  await writeFile(join(folder, 'Pulumi.yaml'), 'name: serantau\nruntime: nodejs\n')
  vi.stubEnv('PULUMI_BACKEND_URL', '')
  vi.stubEnv('SERANTAU_HOME', join(folder, 'home'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

test('files in the state folder, without sidecars; those of before are removed', async () => {
  const stacks = join(folder, 'home', 'pulumi', '.pulumi', 'stacks', 'serantau')
  await mkdir(stacks, { recursive: true })
  await writeFile(join(stacks, 'local.json'), '{}')
  await writeFile(join(stacks, 'local.json.attrs'), '')
  expect(await stateBackend(folder)).toBe(`file://${folder}/home/pulumi?metadata=skip`)
  expect(await readdir(stacks)).toEqual(['local.json'])
})

test.each([
  ['file:///srv/state', 'file:///srv/state?metadata=skip'],
  ['file:///srv/state?no_tmp_dir=true', 'file:///srv/state?no_tmp_dir=true&metadata=skip'],
  ['file:///srv/state?metadata=', 'file:///srv/state?metadata='],
  ['s3://bucket?region=my-1', 's3://bucket?region=my-1'],
  ['https://pulumi.example.gov.my', 'https://pulumi.example.gov.my'],
])('the backend %s of the environment or of Pulumi.yaml is %s', async (given, used) => {
  vi.stubEnv('PULUMI_BACKEND_URL', given)
  expect(await stateBackend(folder)).toBe(used)
  vi.stubEnv('PULUMI_BACKEND_URL', '')
  await writeFile(join(folder, 'Pulumi.yaml'), `name: serantau\nbackend: { url: '${given}' }\n`)
  expect(await stateBackend(folder)).toBe(used)
})
