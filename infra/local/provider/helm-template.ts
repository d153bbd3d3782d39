import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { isObject, listAt, stringAt, type Json, type JsonObject } from './property-value.ts'

export interface TemplateRequest {
  release: string
  namespace: string
  chart: string
  version?: string
  values: JsonObject
  valueFiles: string[]
  skipCrds: boolean
  dependencyUpdate: boolean
  capabilities?: { version: string; apiVersions: string[] }
  cwd: string
}

const MOST_OUTPUT_BYTES = 64 * 1024 * 1024

/** Objects that the chart renders; what Helm says when it fails is thrown whole. */
export async function helmTemplate(request: TemplateRequest): Promise<JsonObject[]> {
  const folder = await mkdtemp(join(tmpdir(), 'serantau-helm-'))
  try {
    // A file, not arguments: values may be secret, and arguments can be read by every process.
    const valuesFile = join(folder, 'values.json')
    await writeFile(valuesFile, JSON.stringify(request.values), { mode: 0o600 })
    return objectsIn(await runHelm(argumentsOf(request, valuesFile), request.cwd))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export function argumentsOf(request: TemplateRequest, valuesFile: string): string[] {
  const { capabilities } = request
  return [
    'template',
    request.release,
    request.chart,
    '--no-hooks',
    ...(request.namespace ? ['--namespace', request.namespace] : []),
    ...(request.skipCrds ? ['--skip-crds'] : ['--include-crds']),
    ...(request.version ? ['--version', request.version] : []),
    ...(request.dependencyUpdate ? ['--dependency-update'] : []),
    ...(capabilities ? ['--kube-version', capabilities.version] : []),
    ...(capabilities?.apiVersions ?? []).flatMap((name) => ['--api-versions', name]),
    ...request.valueFiles.flatMap((file) => ['--values', file]),
    '--values',
    valuesFile,
  ]
}

function runHelm(args: string[], cwd: string): Promise<string> {
  const helm = process.env['SERANTAU_HELM'] ?? 'helm'
  return new Promise((resolve, reject) => {
    execFile(helm, args, { cwd, maxBuffer: MOST_OUTPUT_BYTES }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return reject(
          new Error(
            `helm: expected the program at ${helm}, got nothing. Fix: set SERANTAU_HELM or put helm on PATH`,
          ),
        )
      }
      reject(new Error(`helm template failed:\n${stderr.trim() || error.message}`))
    })
  })
}

/** Every object of a stream of YAML documents; the items of a List count as objects. */
export function objectsIn(manifest: string): JsonObject[] {
  return parseAllDocuments(manifest).flatMap((document) => {
    if (document.errors.length > 0) {
      throw new Error(`the chart rendered YAML that cannot be read: ${String(document.errors[0])}`)
    }
    const object = document.toJS() as Json
    if (object === null || (isObject(object) && Object.keys(object).length === 0)) return []
    if (!isObject(object) || !stringAt(object, 'apiVersion') || !stringAt(object, 'kind')) {
      const start = JSON.stringify(object).slice(0, 120)
      throw new Error(`the chart rendered something without apiVersion and kind: ${start}`)
    }
    const isList = stringAt(object, 'kind')?.endsWith('List') && Array.isArray(object['items'])
    return isList ? listAt(object, 'items').filter(isObject) : [object]
  })
}
