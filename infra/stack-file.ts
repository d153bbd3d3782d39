import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isMap, parseDocument, type Document } from 'yaml'
import { KitError, parseStackFile, type Key, type StackFile } from '../catalog/index.ts'
import { stackKeys } from './config.ts'

/** What `up` writes when the stack has no file yet: the embedded cluster and the smallest model. */
const LOCAL_STACK_FILE = `# Written by \`npm run up\`. Every key: docs/reference/stack-file.md
config:
  # ZZ stands for "not stated": put your country here.
  serantau:jurisdiction: { country: ZZ, regions: [] }
  serantau:cluster: { kind: local }
  serantau:models:
    - id: smollm2-135m-instruct
`

export const stackFilePath = (project: string, stack: string): string =>
  join(project, `Pulumi.${stack}.yaml`)

/** Reads and parses `Pulumi.<stack>.yaml` without Pulumi, so that a mistake is told at once. */
export const loadStackFile = (project: string, stack: string): Promise<StackFile> =>
  readStackFileAt(stackFilePath(project, stack))

/** The same of any file. */
export async function readStackFileAt(path: string): Promise<StackFile> {
  return parseStackFile(serantauKeys(await readDocument(path)))
}

/** Writes the default file of the embedded cluster when the stack has none. */
export async function createStackFileIfMissing(project: string, stack: string): Promise<boolean> {
  try {
    await writeFile(stackFilePath(project, stack), LOCAL_STACK_FILE, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Adds a key's hash and keeps every comment of the file. */
export async function addKey(project: string, stack: string, key: Key): Promise<void> {
  const path = stackFilePath(project, stack)
  const document = await readDocument(path)
  const at = ['config', 'serantau:keys']
  const keys = document.hasIn(at) ? document.getIn(at) : undefined
  if (keys === undefined) document.setIn(at, document.createNode([key]))
  else document.addIn(at, document.createNode(key))
  await writeFile(`${path}.new`, document.toString())
  await rename(`${path}.new`, path)
}

async function readDocument(path: string): Promise<Document> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new KitError('STACK_FILE_INVALID', {
      path,
      expected: 'a stack file',
      got: error.code === 'ENOENT' ? 'no such file' : error.message,
      fix: 'write it (docs/how-to/existing-cluster.md), let `npm run up` write the one of the embedded cluster, or name another stack with --stack',
    })
  })
  const document = parseDocument(text)
  const problem = document.errors[0]
  if (problem) {
    throw new KitError('STACK_FILE_INVALID', {
      path,
      expected: 'valid YAML',
      got: problem.message.split('\n')[0] ?? problem.code,
      fix: 'correct the file at the place named',
    })
  }
  return document
}

/**
 * Pulumi keeps scalars as text (it writes `"false"` for false when it saves the file), so the file
 * is read as the program gets it: every value as text first.
 */
function serantauKeys(document: Document): Record<string, unknown> {
  if (!isMap(document.get('config'))) return {}
  // Of the whole document: a part of it does not know what its aliases stand for.
  const { config } = document.toJS() as { config: Record<string, unknown> }
  const entries = Object.entries(config)
  return stackKeys(
    Object.fromEntries(
      entries.map(([name, value]) => [
        name,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    ),
  )
}
