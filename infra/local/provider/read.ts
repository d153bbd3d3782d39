import { UnreachableError } from './api-client.ts'
import { InitFailedError, problemsNow } from './apply.ts'
import { inputsAsLive, inputsOfLive } from './live-inputs.ts'
import { fieldManagerOf } from './naming.ts'
import { describeKey, idOf, keyOfId, typeOfToken } from './object-type.ts'
import { FIELD_MANAGER, markAllSecrets, outputsOf } from './outputs.ts'
import { stringAt, unwrapSecrets, type JsonObject } from './property-value.ts'
import { clientOf, type Session } from './session.ts'

export interface ReadRequest {
  urn: string
  token: string
  id: string
  olds: JsonObject
  inputs: JsonObject
}

export interface ReadAnswer {
  /** Empty: the object is gone. */
  id: string
  outputs: JsonObject
  inputs: JsonObject
}

/** The object as it is now, for a refresh, an import or a lookup. */
export async function readObject(session: Session, request: ReadRequest): Promise<ReadAnswer> {
  const { plain, secrets } = unwrapSecrets(request.inputs)
  const inputs = plain as JsonObject
  const isKnown = Object.keys(inputs).length > 0
  const apiVersion = stringAt(inputs, 'apiVersion')
  const type = { ...typeOfToken(request.token), ...(apiVersion ? { apiVersion } : {}) }
  const found = await find(session, request, keyOfId(type, request.id))
  if (found === 'unreachable') {
    return { id: request.id, outputs: request.olds, inputs: request.inputs }
  }
  if (!found) return { id: '', outputs: {}, inputs: {} }
  const manager = stringAt(request.olds, FIELD_MANAGER) ?? fieldManagerOf(request.urn)
  const seen = isKnown ? inputsAsLive(inputs, found) : inputsOfLive(found)
  const answer = {
    id: idOf(found),
    outputs: outputsOf(found, seen, secrets, manager),
    inputs: markAllSecrets(seen, seen, secrets),
  }
  const problems = isKnown ? await problemsNow(session, found) : []
  if (problems.length === 0) return answer
  const message = `${describeKey(keyOfId(type, answer.id))} is there but not ready`
  throw new InitFailedError(message, answer.id, answer, problems)
}

async function find(
  session: Session,
  request: ReadRequest,
  key: ReturnType<typeof keyOfId>,
): Promise<JsonObject | undefined | 'unreachable'> {
  try {
    const client = clientOf(session)
    const namespaced = key.namespace === undefined && (await client.isNamespaced(key))
    return await client.get(namespaced ? { ...key, namespace: session.namespace } : key)
  } catch (error) {
    if ((error as { reason?: string }).reason === 'NoMatch') return undefined
    if (!(error instanceof UnreachableError) || !session.config.skipUpdateUnreachable) throw error
    await session.log.log('warning', `not refreshed: ${error.message}`, request.urn)
    return 'unreachable'
  }
}
