import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import * as grpc from '@grpc/grpc-js'
import { ROOT } from './project.ts'

const require = createRequire(import.meta.url)
// The SDK publishes its protocol as CommonJS without types.
const resourceService = require('@pulumi/pulumi/proto/resource_grpc_pb.js')
const resource = require('@pulumi/pulumi/proto/resource_pb.js')
const engineService = require('@pulumi/pulumi/proto/engine_grpc_pb.js')
const engine = require('@pulumi/pulumi/proto/engine_pb.js')
const empty = require('google-protobuf/google/protobuf/empty_pb.js')
const struct = require('google-protobuf/google/protobuf/struct_pb.js')

export interface Registered {
  type: string
  name: string
  parent: string
  remote: boolean
  inputs: Record<string, unknown>
}

export interface ProgramRun {
  status: number
  output: string
  resources: Registered[]
  outputs: Record<string, unknown>
}

/**
 * Runs the program as plain `pulumi up` does: the SDK's own language host entry loads `main` of
 * Pulumi.yaml in a process of its own, against a monitor that records what is registered.
 */
export async function runProgram(
  config: Record<string, string>,
  env: NodeJS.ProcessEnv = {},
): Promise<ProgramRun> {
  const resources: Registered[] = []
  const outputs: Record<string, unknown> = {}
  let log = ''
  const server = new grpc.Server()
  server.addService(resourceService.ResourceMonitorService, {
    supportsFeature: (_call: unknown, reply: Reply) =>
      reply(null, new resource.SupportsFeatureResponse()),
    registerResource: (call: Call, reply: Reply) => {
      const request = call.request
      const inputs = request.getObject()?.toJavaScript() ?? {}
      resources.push({
        type: request.getType(),
        name: request.getName(),
        parent: request.getParent(),
        remote: request.getRemote(),
        inputs,
      })
      const response = new resource.RegisterResourceResponse()
      response.setUrn(`urn:pulumi:test::serantau::${request.getType()}::${request.getName()}`)
      if (request.getCustom()) response.setId(`${request.getName()}-id`)
      response.setObject(struct.Struct.fromJavaScript(inputs))
      reply(null, response)
    },
    registerResourceOutputs: (call: Call, reply: Reply) => {
      if (call.request.getUrn().includes('pulumi:pulumi:Stack')) {
        Object.assign(outputs, call.request.getOutputs()?.toJavaScript())
      }
      reply(null, new empty.Empty())
    },
    signalAndWaitForShutdown: (_call: unknown, reply: Reply) => reply(null, new empty.Empty()),
  })
  server.addService(engineService.EngineService, {
    log: (call: Call, reply: Reply) => {
      if (call.request.getSeverity() > DEBUG) log += `${call.request.getMessage()}\n`
      reply(null, new empty.Empty())
    },
    setRootResource: (_call: unknown, reply: Reply) =>
      reply(null, new engine.SetRootResourceResponse()),
    getRootResource: (_call: unknown, reply: Reply) =>
      reply(null, new engine.GetRootResourceResponse()),
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  try {
    const { status, output } = await runLanguageHost(port, config, env)
    return { status, output: `${log}${output}`, resources, outputs }
  } finally {
    server.forceShutdown()
  }
}

const DEBUG = 0
type Reply = (error: Error | null, response: unknown) => void
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- generated messages have no types
type Call = { request: any }

function runLanguageHost(
  port: number,
  config: Record<string, string>,
  env: NodeJS.ProcessEnv,
): Promise<{ status: number; output: string }> {
  const address = `127.0.0.1:${port}`
  const child = spawn(
    process.execPath,
    [
      join(ROOT, 'node_modules', '@pulumi', 'pulumi', 'cmd', 'run', 'index.js'),
      ...['--monitor', address, '--engine', address],
      ...['--project', 'serantau', '--stack', 'test', '--pwd', join(ROOT, 'infra')],
      ...['--parallel', '4', 'main.js'],
    ],
    {
      cwd: join(ROOT, 'infra'),
      env: {
        ...process.env,
        PULUMI_CONFIG: JSON.stringify(config),
        PULUMI_CONFIG_SECRET_KEYS: '[]',
        PULUMI_NODEJS_TYPESCRIPT: 'false',
        ...env,
      },
    },
  )
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ status: code ?? 1, output }))
  })
}
