import * as grpc from '@grpc/grpc-js'
import { InitFailedError } from './apply.ts'
import { redact, secretTexts } from './outputs.ts'
import { unwrapSecrets, type JsonObject } from './property-value.ts'
import { initFailedAnswer } from './rpc-answers.ts'

export function answering<Request, Response>(
  handler: (request: Request) => Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    handler(call.request).then(
      (response) => callback(null, response),
      (error: unknown) => callback(refusal(error)),
    )
  }
}

function refusal(error: unknown): Partial<grpc.ServiceError> {
  if (error instanceof InitFailedError) return initFailedAnswer(error)
  const details = error instanceof Error ? error.message : String(error)
  return { code: grpc.status.UNKNOWN, details }
}

/** The server may repeat a value in its refusal: a secret must not reach the display by that. */
export async function withoutSecrets<T>(inputs: JsonObject, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { plain, secrets } = unwrapSecrets(inputs)
    const texts = secretTexts(plain as JsonObject, secrets)
    if (error instanceof InitFailedError) {
      const found = { outputs: error.outputs, inputs: error.inputs }
      const reasons = error.reasons.map((reason) => redact(reason, texts))
      throw new InitFailedError(redact(error.message, texts), error.id, found, reasons)
    }
    throw new Error(redact((error as Error).message, texts))
  }
}
