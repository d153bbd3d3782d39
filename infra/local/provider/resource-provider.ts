import type * as grpc from '@grpc/grpc-js'
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js'
import plugin from '@pulumi/pulumi/proto/plugin_pb.js'
import messages from '@pulumi/pulumi/proto/provider_pb.js'
import { ApiClient } from './api-client.ts'
import { applyObject } from './apply.ts'
import { check } from './check.ts'
import { compare } from './compare.ts'
import { deleteObject } from './delete.ts'
import { EngineLog } from './engine-log.ts'
import { answering, withoutSecrets } from './handler.ts'
import type { NamingWish } from './naming.ts'
import { tokenOfUrn } from './object-type.ts'
import { unwrapSecrets, type JsonObject } from './property-value.ts'
import { clusterAccess, configProblems, parseConfig } from './provider-config.ts'
import { diffProviders } from './provider-diff.ts'
import { OFFLINE_PROVIDER_VERSION } from './provider-version.ts'
import { readObject } from './read.ts'
import { checkAnswer, diffAnswer, objectOf, structOf } from './rpc-answers.ts'
import type { Session } from './session.ts'

/** The gRPC service that the engine talks to: each method turns a message into a plain call. */
export class ResourceProvider {
  readonly #log: EngineLog
  readonly #engine: string
  readonly #cancelled = new AbortController()
  readonly #constructing = new Set<(error: unknown) => void>()
  #session?: Session

  constructor(engine: string) {
    this.#engine = engine
    this.#log = new EngineLog(engine)
  }

  /**
   * The SDK reports a child that the engine refused by a rejection that nobody can catch: it ends
   * the components that are being made, not the process.
   */
  onStrayRejection(error: unknown): void {
    for (const reject of this.#constructing) reject(error)
  }

  /** The methods by the names of the service; the others answer "unimplemented". */
  handlers(): grpc.UntypedServiceImplementation {
    return {
      cancel: answering(async () => {
        this.#cancelled.abort()
        return new emptyMessages.Empty()
      }),
      checkConfig: answering((request) => this.#checkConfig(request)),
      configure: answering((request) => this.#configure(request)),
      construct: answering((request) => this.#construct(request)),
      check: answering((request) => this.#check(request)),
      create: answering((request) => this.#create(request)),
      delete: answering((request) => this.#delete(request)),
      diff: answering((request) => this.#diff(request)),
      diffConfig: answering(async (request: messages.DiffRequest) =>
        diffAnswer(diffProviders(objectOf(request.getOldInputs()), objectOf(request.getNews()))),
      ),
      getPluginInfo: answering(async () => {
        const info = new plugin.PluginInfo()
        info.setVersion(OFFLINE_PROVIDER_VERSION)
        return info
      }),
      getSchema: answering(async () => {
        const answer = new messages.GetSchemaResponse()
        answer.setSchema(JSON.stringify({ name: 'kubernetes', version: OFFLINE_PROVIDER_VERSION }))
        return answer
      }),
      invoke: answering(async (request: messages.InvokeRequest) => {
        throw new Error(
          `the offline Kubernetes provider has no function ${request.getTok()}: use the official provider for it`,
        )
      }),
      read: answering((request) => this.#read(request)),
      update: answering((request) => this.#update(request)),
    }
  }

  async #checkConfig(request: messages.CheckRequest): Promise<messages.CheckResponse> {
    const news = objectOf(request.getNews())
    return checkAnswer(news, configProblems(unwrapSecrets(news).plain as JsonObject))
  }

  async #configure(request: messages.ConfigureRequest): Promise<messages.ConfigureResponse> {
    const args = unwrapSecrets(objectOf(request.getArgs())).plain as JsonObject
    const config = parseConfig(args)
    this.#session = {
      config,
      log: this.#log,
      namespace: config.namespace ?? 'default',
      signal: this.#cancelled.signal,
      away: false,
    }
    if (process.env['SERANTAU_RENDER_ONLY'] !== '1') {
      const access = await clusterAccess(config)
      const warn = (message: string) => {
        if (!config.suppressWarnings) void this.#log.log('warning', message)
      }
      this.#session.namespace = access.namespace
      this.#session.client = new ApiClient(access.kubeConfig, access.server, warn)
    }
    await this.#log.log(
      'info',
      'Kubernetes objects are managed by the offline provider of this project, not by the official one',
    )
    const answer = new messages.ConfigureResponse()
    answer.setAcceptsecrets(true)
    answer.setSupportspreview(true)
    answer.setSupportsAutonamingConfiguration(true)
    return answer
  }

  get #configured(): Session {
    if (this.#session) return this.#session
    throw new Error('the provider is used before it was configured')
  }

  async #construct(request: messages.ConstructRequest): Promise<messages.ConstructResponse> {
    // The SDK is heavy to load, and only components need it.
    const { construct } = await import('./construct.ts')
    const stray = Promise.withResolvers<never>()
    this.#constructing.add(stray.reject)
    const work = construct(this.#configured, this.#engine, request, process.cwd())
    const made = await Promise.race([work, stray.promise]).finally(() =>
      this.#constructing.delete(stray.reject),
    )
    const answer = new messages.ConstructResponse()
    answer.setUrn(made.urn)
    answer.setState(structOf(made.state))
    for (const [key, urns] of made.dependencies) {
      const dependencies = new messages.ConstructResponse.PropertyDependencies()
      dependencies.setUrnsList(urns)
      answer.getStatedependenciesMap().set(key, dependencies)
    }
    return answer
  }

  async #check(request: messages.CheckRequest): Promise<messages.CheckResponse> {
    const { inputs, failures } = await check(this.#configured, {
      urn: request.getUrn(),
      token: tokenOfUrn(request.getUrn()),
      olds: request.getOlds() && (unwrapSecrets(objectOf(request.getOlds())).plain as JsonObject),
      news: objectOf(request.getNews()),
      seed: request.getRandomseed_asU8(),
      naming: namingOf(request),
    })
    return checkAnswer(inputs, failures)
  }

  async #diff(request: messages.DiffRequest): Promise<messages.DiffResponse> {
    const verdict = await compare(this.#configured, {
      urn: request.getUrn(),
      token: tokenOfUrn(request.getUrn()),
      id: request.getId(),
      olds: unwrapSecrets(objectOf(request.getOlds())).plain as JsonObject,
      oldInputs: objectOf(request.getOldInputs()),
      news: objectOf(request.getNews()),
    })
    return diffAnswer(verdict)
  }

  async #create(request: messages.CreateRequest): Promise<messages.CreateResponse> {
    const inputs = objectOf(request.getProperties())
    const made = await withoutSecrets(inputs, () =>
      applyObject(this.#configured, {
        urn: request.getUrn(),
        inputs,
        preview: request.getPreview(),
        timeout: request.getTimeout(),
      }),
    )
    const answer = new messages.CreateResponse()
    answer.setId(request.getPreview() ? '' : made.id)
    answer.setProperties(structOf(made.outputs))
    return answer
  }

  async #update(request: messages.UpdateRequest): Promise<messages.UpdateResponse> {
    const inputs = objectOf(request.getNews())
    const made = await withoutSecrets(inputs, () =>
      applyObject(this.#configured, {
        urn: request.getUrn(),
        inputs,
        olds: unwrapSecrets(objectOf(request.getOlds())).plain as JsonObject,
        preview: request.getPreview(),
        timeout: request.getTimeout(),
      }),
    )
    const answer = new messages.UpdateResponse()
    answer.setProperties(structOf(made.outputs))
    return answer
  }

  async #delete(request: messages.DeleteRequest): Promise<emptyMessages.Empty> {
    await deleteObject(this.#configured, {
      urn: request.getUrn(),
      token: tokenOfUrn(request.getUrn()),
      id: request.getId(),
      inputs: objectOf(request.getOldInputs()),
      timeout: request.getTimeout(),
    })
    return new emptyMessages.Empty()
  }

  async #read(request: messages.ReadRequest): Promise<messages.ReadResponse> {
    const found = await readObject(this.#configured, {
      urn: request.getUrn(),
      token: tokenOfUrn(request.getUrn()),
      id: request.getId(),
      olds: unwrapSecrets(objectOf(request.getProperties())).plain as JsonObject,
      inputs: objectOf(request.getInputs()),
    })
    const answer = new messages.ReadResponse()
    answer.setId(found.id)
    answer.setProperties(structOf(found.outputs))
    answer.setInputs(structOf(found.inputs))
    return answer
  }
}

function namingOf(request: messages.CheckRequest): NamingWish | undefined {
  const options = request.getAutonaming()
  if (!options) return undefined
  const mode = (['propose', 'enforce', 'disable'] as const)[options.getMode()] ?? 'propose'
  return { proposedName: options.getProposedName(), mode }
}
