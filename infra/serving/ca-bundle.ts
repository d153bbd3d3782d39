import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as k8s from '@pulumi/kubernetes'
import type * as pulumi from '@pulumi/pulumi'
import { formatPath, KitError } from '../../catalog/index.ts'
import { CA_BUNDLE } from '../names.ts'

const PROJECT = resolve(import.meta.dirname, '..', '..')

/** Extra CAs for the download of weights: a PEM file beside the stack file, as a ConfigMap. */
export function createCaBundle(
  file: string | undefined,
  namespace: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.ConfigMap | undefined {
  if (file === undefined) return undefined
  return new k8s.core.v1.ConfigMap(
    'ca-bundle',
    {
      metadata: { name: CA_BUNDLE, namespace },
      data: { 'ca.pem': readPem(resolve(PROJECT, file)) },
    },
    opts,
  )
}

function readPem(path: string): string {
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    // The check below says what is wrong.
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw new KitError('STACK_FILE_INVALID', {
      path: formatPath(['caBundle']),
      expected: 'a readable PEM file with certificates',
      got: text === '' ? `nothing at ${path}` : `a file without certificates at ${path}`,
      fix: 'correct the path: it is taken from the project folder',
    })
  }
  return text
}
