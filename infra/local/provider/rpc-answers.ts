import * as grpc from '@grpc/grpc-js'
import anyMessages from 'google-protobuf/google/protobuf/any_pb.js'
import structMessages from 'google-protobuf/google/protobuf/struct_pb.js'
import messages from '@pulumi/pulumi/proto/provider_pb.js'
import status from '@pulumi/pulumi/proto/status_pb.js'
import type { InitFailedError } from './apply.ts'
import type { CheckFailure } from './check.ts'
import type { Verdict } from './diff.ts'
import { formatPropertyPath, type Change } from './difference.ts'
import type { JsonObject } from './property-value.ts'

const { Struct } = structMessages
type Struct = structMessages.Struct

export const structOf = (value: JsonObject): Struct => Struct.fromJavaScript(value)

export const objectOf = (struct: Struct | undefined): JsonObject => struct?.toJavaScript() ?? {}

export function diffAnswer(verdict: Verdict): messages.DiffResponse {
  const answer = new messages.DiffResponse()
  const kinds = messages.DiffResponse.DiffChanges
  answer.setChanges(verdict.changes.length > 0 ? kinds.DIFF_SOME : kinds.DIFF_NONE)
  answer.setHasdetaileddiff(true)
  answer.setDeletebeforereplace(verdict.deleteBeforeReplace)
  const tops = (changes: Change[]) => [...new Set(changes.map((change) => String(change.path[0])))]
  answer.setDiffsList(tops(verdict.changes))
  answer.setReplacesList(tops(verdict.changes.filter((change) => change.replace)))
  for (const change of verdict.changes) {
    const detail = new messages.PropertyDiff()
    detail.setKind(kindOf(change.kind, change.replace))
    detail.setInputdiff(true)
    answer.getDetaileddiffMap().set(formatPropertyPath(change.path), detail)
  }
  return answer
}

function kindOf(kind: Change['kind'], replace: boolean) {
  const kinds = messages.PropertyDiff.Kind
  const plain = { add: kinds.ADD, delete: kinds.DELETE, update: kinds.UPDATE }
  const replacing = {
    add: kinds.ADD_REPLACE,
    delete: kinds.DELETE_REPLACE,
    update: kinds.UPDATE_REPLACE,
  }
  return (replace ? replacing : plain)[kind]
}

/** The error by which the engine keeps an object that is there but not ready. */
export function initFailedAnswer(error: InitFailedError): Partial<grpc.ServiceError> {
  const detail = new messages.ErrorResourceInitFailed()
  detail.setId(error.id)
  detail.setProperties(structOf(error.outputs))
  detail.setInputs(structOf(error.inputs))
  detail.setReasonsList([error.message, ...error.reasons])
  const packed = new anyMessages.Any()
  packed.pack(detail.serializeBinary(), 'pulumirpc.ErrorResourceInitFailed')
  const whole = new status.Status()
  whole.setCode(grpc.status.UNKNOWN)
  whole.setMessage(error.message)
  whole.addDetails(packed)
  const metadata = new grpc.Metadata()
  metadata.add('grpc-status-details-bin', Buffer.from(whole.serializeBinary()))
  return { code: grpc.status.UNKNOWN, details: error.message, metadata }
}

export function checkAnswer(
  inputs: JsonObject,
  failures: readonly CheckFailure[],
): messages.CheckResponse {
  const answer = new messages.CheckResponse()
  answer.setInputs(structOf(inputs))
  answer.setFailuresList(
    failures.map(({ property, reason }) => {
      const failure = new messages.CheckFailure()
      failure.setProperty(property)
      failure.setReason(reason)
      return failure
    }),
  )
  return answer
}
