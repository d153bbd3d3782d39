import * as k8s from '@pulumi/kubernetes'
import * as pulumi from '@pulumi/pulumi'
import type { Key, KeysFile } from '../../catalog/index.ts'
import { KEYS_SECRET } from '../names.ts'

/** Hashes of the API keys. Both roles re-read the mounted file, so that revoking needs no restart. */
export function createKeysSecret(
  keys: readonly Key[],
  namespace: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Secret {
  const file: KeysFile = { keys: [...keys] }
  return new k8s.core.v1.Secret(
    'keys',
    {
      metadata: { name: KEYS_SECRET, namespace },
      stringData: { 'keys.json': pulumi.secret(JSON.stringify(file)) },
    },
    opts,
  )
}
