import { UnreachableError } from './api-client.ts'
import { timeoutOf } from './apply.ts'
import { isWaitedFor } from './await/observe.ts'
import { annotation, describeKey, keyOfId, typeOfToken } from './object-type.ts'
import { stringAt, unwrapSecrets, type JsonObject } from './property-value.ts'
import { clientOf, type Session } from './session.ts'
import { untilGone } from './until-gone.ts'

const POLICIES: Readonly<Record<string, string>> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
}

export interface DeleteRequest {
  urn: string
  token: string
  id: string
  inputs: JsonObject
  timeout: number
}

/** Deletes with all that depends on the object, and returns once it is gone. */
export async function deleteObject(session: Session, request: DeleteRequest): Promise<void> {
  const client = clientOf(session)
  const inputs = unwrapSecrets(request.inputs).plain as JsonObject
  const apiVersion = stringAt(inputs, 'apiVersion')
  const type = { ...typeOfToken(request.token), ...(apiVersion ? { apiVersion } : {}) }
  const key = keyOfId(type, request.id)
  try {
    const live = await client.get(key)
    if (!live) return
    const wish = annotation(inputs, 'pulumi.com/deletionPropagationPolicy')?.toLowerCase()
    const policy = POLICIES[wish ?? 'foreground'] ?? 'Foreground'
    if (!(await client.remove(key, policy))) return
    if (!isWaitedFor(inputs)) return
    void session.log.status('waiting until it is gone', request.urn)
    await untilGone(client, key, stringAt(live, 'metadata', 'uid'), {
      seconds: timeoutOf(inputs, request.timeout),
      signal: session.signal,
    })
  } catch (error) {
    const isServed = (error as { reason?: string }).reason !== 'NoMatch'
    if (!isServed) return
    if (!(error instanceof UnreachableError) || !session.config.deleteUnreachable) throw error
    await session.log.log(
      'warning',
      `${describeKey(key)} is forgotten: ${error.message}`,
      request.urn,
    )
  }
}
