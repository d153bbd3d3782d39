import * as grpc from '@grpc/grpc-js'
import engineServices from '@pulumi/pulumi/proto/engine_grpc_pb.js'
import engineMessages from '@pulumi/pulumi/proto/engine_pb.js'

export type Severity = 'debug' | 'info' | 'warning' | 'error'
export type Log = (severity: Severity, message: string, urn?: string) => void

/** Writes into the engine's display; a status line is shown only while the resource is worked on. */
export class EngineLog {
  readonly #client: InstanceType<typeof engineServices.EngineClient>

  constructor(address: string) {
    this.#client = new engineServices.EngineClient(address, grpc.credentials.createInsecure())
  }

  log(severity: Severity, message: string, urn = ''): Promise<void> {
    return this.#send(severity, message, urn, false)
  }

  status(message: string, urn: string, severity: Severity = 'info'): Promise<void> {
    return this.#send(severity, message, urn, true)
  }

  #send(severity: Severity, message: string, urn: string, ephemeral: boolean): Promise<void> {
    const severities = engineMessages.LogSeverity
    const entry = new engineMessages.LogRequest()
    entry.setSeverity(
      {
        debug: severities.DEBUG,
        info: severities.INFO,
        warning: severities.WARNING,
        error: severities.ERROR,
      }[severity],
    )
    entry.setMessage(message)
    entry.setUrn(urn)
    entry.setEphemeral(ephemeral)
    // A lost line of log is no reason to fail a deployment.
    return new Promise((resolve) => this.#client.log(entry, () => resolve()))
  }
}
