import { createHash } from 'node:crypto'
import { isAnnotated, nameOfUrn } from './object-type.ts'
import { isObject, isUnknown, stringAt, type JsonObject } from './property-value.ts'

export const AUTONAMED = 'pulumi.com/autonamed'

/** What the engine's own autonaming configuration asks for, when there is one. */
export interface NamingWish {
  proposedName: string
  mode: 'propose' | 'enforce' | 'disable'
}

/**
 * Gives an object without metadata.name its name: the one it had, else `<resource name>-<8 hex>`.
 * The suffix comes from the engine's seed, so that preview and update agree.
 */
export function withName(
  object: JsonObject,
  olds: JsonObject | undefined,
  context: { urn: string; seed: Uint8Array; wish?: NamingWish },
): JsonObject {
  const metadata = object['metadata']
  if (isUnknown(metadata)) return object
  const known = isObject(metadata) ? metadata : {}
  if (known['name'] !== undefined && known['name'] !== null) return object
  const { name, automatic } = chooseName(olds, context)
  if (name === undefined) return object
  const annotations = isObject(known['annotations']) ? known['annotations'] : {}
  return {
    ...object,
    metadata: {
      ...known,
      name,
      ...(automatic ? { annotations: { ...annotations, [AUTONAMED]: 'true' } } : {}),
    },
  }
}

function chooseName(
  olds: JsonObject | undefined,
  context: { urn: string; seed: Uint8Array; wish?: NamingWish },
): { name?: string; automatic: boolean } {
  const oldName = olds && stringAt(olds, 'metadata', 'name')
  if (olds && oldName && isAnnotated(olds, AUTONAMED)) return { name: oldName, automatic: true }
  const { wish } = context
  if (wish?.mode === 'disable') return { automatic: false }
  if (wish?.proposedName) return { name: wish.proposedName, automatic: true }
  const suffix = createHash('sha256').update(context.urn).update(context.seed).digest('hex')
  return { name: `${nameOfUrn(context.urn)}-${suffix.slice(0, 8)}`, automatic: true }
}

/** Field manager of server-side apply: one a resource, so that two resources never share fields. */
export function fieldManagerOf(urn: string): string {
  return `pulumi-kubernetes-${createHash('sha256').update(urn).digest('hex').slice(0, 8)}`
}
