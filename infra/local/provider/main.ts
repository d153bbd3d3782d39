/** The process that the Pulumi engine starts as `pulumi-resource-kubernetes <engine address>`. */
import * as grpc from '@grpc/grpc-js'
import services from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import { ResourceProvider } from './resource-provider.ts'

const engine = process.argv.slice(2).find((argument) => !argument.startsWith('-'))
if (!engine) {
  process.stderr.write('pulumi-resource-kubernetes is started by the Pulumi engine, not by hand\n')
  process.exit(2)
}

/** An engine that was killed ends nobody: what it began must not go on beside the next command. */
const parent = process.ppid
const WATCH_MS = 1000
setInterval(() => {
  if (process.ppid !== parent) process.exit(1)
}, WATCH_MS).unref()

const MOST_MESSAGE_BYTES = 400 * 1024 * 1024
const server = new grpc.Server({
  'grpc.max_receive_message_length': MOST_MESSAGE_BYTES,
  'grpc.max_send_message_length': MOST_MESSAGE_BYTES,
})
const provider = new ResourceProvider(engine)
process.on('unhandledRejection', (error) => provider.onStrayRejection(error))
server.addService(services.ResourceProviderService, provider.handlers())
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  // The engine reads the port from the first line.
  process.stdout.write(`${port}\n`)
})
