import { withName, type NamingWish } from './naming.ts'
import { isNamespaced, refusalOf, typeOfToken, type ObjectType } from './object-type.ts'
import {
  isObject,
  isUnknown,
  secret,
  stringAt,
  unwrapSecrets,
  type Json,
  type JsonObject,
} from './property-value.ts'
import { askInPreview, type Session } from './session.ts'

export interface CheckFailure {
  property: string
  reason: string
}

export interface CheckRequest {
  urn: string
  token: string
  olds?: JsonObject
  news: JsonObject
  seed: Uint8Array
  naming?: NamingWish
}

/** Fills in apiVersion, kind, name and namespace, and says what can never work. */
export async function check(
  session: Session,
  request: CheckRequest,
): Promise<{ inputs: JsonObject; failures: CheckFailure[] }> {
  const refusal = refusalOf(request.token)
  if (refusal) return { inputs: request.news, failures: [{ property: 'kind', reason: refusal }] }
  const type = typeOfToken(request.token)
  const typed = { apiVersion: type.apiVersion, kind: type.kind, ...request.news }
  const failures = problemsOf(typed)
  if (failures.length > 0) return { inputs: typed, failures }
  const named = withName(typed, request.olds, {
    urn: request.urn,
    seed: request.seed,
    wish: request.naming,
  })
  const namespaced = await standsInNamespace(session, type, request.olds)
  return {
    inputs: withSecretData(withNamespace(named, namespaced, session.namespace)),
    failures: [],
  }
}

/** What a Secret holds is encrypted in the state, whether the program marked it or not. */
function withSecretData(object: JsonObject): JsonObject {
  if (object['apiVersion'] !== 'v1' || object['kind'] !== 'Secret') return object
  const held = ['data', 'stringData'].flatMap((key) => {
    const value = object[key]
    return value === undefined || value === null || isUnknown(value)
      ? []
      : [[key, secret(unwrapSecrets(value).plain)] as const]
  })
  return { ...object, ...Object.fromEntries(held) }
}

async function standsInNamespace(
  session: Session,
  type: ObjectType,
  olds: JsonObject | undefined,
): Promise<boolean> {
  const known = isNamespaced(type)
  if (known !== undefined) return known
  const asked = await askInPreview(session, (client) =>
    client.isNamespaced(type).catch((error: unknown) => {
      // The definition of a custom kind may come with this very update.
      if ((error as { reason?: string }).reason === 'NoMatch') return undefined
      throw error
    }),
  )
  return asked ?? stringAt(olds, 'metadata', 'namespace') !== undefined
}

function withNamespace(object: JsonObject, namespaced: boolean, namespace: string): JsonObject {
  const metadata = object['metadata']
  if (!namespaced || isUnknown(metadata)) return object
  const known = isObject(metadata) ? metadata : {}
  const given: Json | undefined = known['namespace']
  if (given !== undefined && given !== null && given !== '') return object
  return { ...object, metadata: { ...known, namespace } }
}

function problemsOf(object: JsonObject): CheckFailure[] {
  const found: CheckFailure[] = []
  for (const property of ['apiVersion', 'kind']) {
    const value = object[property]
    if (typeof value !== 'string' || value === '') {
      found.push({ property, reason: `expected a text, got ${JSON.stringify(value)}` })
    }
  }
  const metadata = object['metadata']
  if (metadata !== undefined && metadata !== null && !isObject(metadata) && !isUnknown(metadata)) {
    const reason = `expected an object, got ${JSON.stringify(metadata)}`
    found.push({ property: 'metadata', reason })
  }
  if (stringAt(object, 'metadata', 'generateName') && !stringAt(object, 'metadata', 'name')) {
    const reason =
      'the offline provider has no generateName: leave the name out and the object is named after the resource'
    found.push({ property: 'metadata.generateName', reason })
  }
  return found
}
