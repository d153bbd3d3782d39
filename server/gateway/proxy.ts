import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, errors } from 'undici'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { GatewayConfig } from '../../catalog/serving-config.ts'
import { describeValue, HttpError } from '../errors.ts'
import { clientGone } from '../plugins/client-gone.ts'
import { parseJson } from '../plugins/json-body.ts'
import { unknownModel } from '../plugins/models-routes.ts'
import { relay } from './relay.ts'
import type { Scaling } from './scaling/scaling.ts'

const CONNECT_MS = 5000
/** The model role ends an answer at its own limit; the gateway gives up a little later. */
const BEYOND_MODEL_MS = 5000
/** Shorter than the model role keeps an idle connection, so that none is used while it closes. */
const KEEP_ALIVE_MS = 30_000
/** Pauses before asking again where a request cannot have arrived: a pod leaves its Service in that time. */
const AGAIN_MS = [0, 100, 300, 600]
/** A Service without an endpoint refuses, has no route or says nothing, as the cluster's network has it. */
const NEVER_CONNECTED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'])
const NEVER_TAKEN = new Set(['ECONNRESET', 'EPIPE'])
/** A kept connection that was just being closed says so by then; one that ends later had taken the request. */
const CLOSING_MS = 1000

/**
 * Passes a request to the model's Service and its answer back: reads only `model` and `stream`,
 * forwards the bytes as they came, never asks twice what may have arrived.
 */
export function registerProxy(app: FastifyInstance, config: GatewayConfig, scaling: Scaling): void {
  const waitMs = config.limits.maxStreamMs + BEYOND_MODEL_MS
  const common = {
    connect: { timeout: CONNECT_MS },
    headersTimeout: waitMs,
    bodyTimeout: waitMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  }
  const agents = {
    kept: new Agent({ ...common, pipelining: 1 }),
    fresh: new Agent({ ...common, pipelining: 0 }),
  }
  app.addHook('onClose', async () => {
    await Promise.all([agents.kept.destroy(), agents.fresh.destroy()])
  })
  for (const path of PATHS) {
    app.post(path, (request, reply) =>
      pass({ agents, config, scaling }, { path, method: 'POST' }, request, reply),
    )
  }
  app.get(TOKENIZER, (request, reply) =>
    pass({ agents, config, scaling }, { path: TOKENIZER, method: 'GET' }, request, reply),
  )
}

/** Of the model role; what else it has is not passed to. */
const PATHS = [
  ...['/v1/chat/completions', '/v1/completions', '/v1/responses', '/v1/embeddings'],
  ...['/tokenize', '/detokenize'],
] as const
const TOKENIZER = '/tokenizer_info'
/** Where a model need not be named: harnesses that ask these know of one. */
const ONE_MODEL: ReadonlySet<string> = new Set(['/tokenize', '/detokenize', TOKENIZER])

interface Route {
  path: string
  method: 'GET' | 'POST'
}

interface Agents {
  kept: Agent
  /** A connection a request: none that a pod may close just then. */
  fresh: Agent
}

interface Proxy {
  agents: Agents
  config: GatewayConfig
  scaling: Scaling
}

async function pass(
  { agents, config, scaling }: Proxy,
  { path, method }: Route,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const fields = method === 'GET' ? request.query : parseJson(request.body)
  const [only, other] = config.models
  const wanted = modelOf(fields, ONE_MODEL.has(path) && other === undefined ? only?.id : undefined)
  const model = config.models.find(({ id }) => id === wanted)
  if (model === undefined) throw unknownModel(wanted, config.models)
  const gone = clientGone(reply)
  const options = {
    ...{ origin: model.url, path, method, headers: forwarded(request) },
    ...(method === 'GET' ? {} : { body: request.body as Buffer }),
  } as const
  const onBreak = (error: Error) => {
    const known = upstreamError(error)
    request.errorCode = known.code
    return known
  }
  const ask = (agent: Agent) => relay(agent, options, reply, { gone, onBreak })
  const visits = scaling.of(model.id)
  visits?.begin(reply)
  const asked = () => askUntilArrived(agents, ask, gone, visits !== undefined)
  const bytes = Buffer.isBuffer(request.body) ? request.body.length : 0
  const hold = { ...{ reply, bytes, gone, ask: asked }, noConnection: neverConnected }
  const status = await (visits?.holdUntilAsked(hold) ?? asked()).catch((error: unknown) => {
    throw gone.aborted ? gone.reason : upstreamError(error)
  })
  if (status === 429) visits?.refuse()
  if (status >= 400) request.errorCode = 'upstream'
}

/**
 * Asks again, on fresh connections, while the request cannot have arrived anywhere. `held`: not where no
 * connection comes about, for which whoever holds requests has a longer patience.
 */
async function askUntilArrived<T>(
  { kept, fresh }: Agents,
  ask: (agent: Agent) => Promise<T>,
  gone: AbortSignal,
  held: boolean,
): Promise<T> {
  let agent = kept
  for (const pauseMs of AGAIN_MS) {
    const asked = performance.now()
    try {
      return await ask(agent)
    } catch (error) {
      if (gone.aborted || !neverArrived(error, performance.now() - asked)) throw error
      if (held && neverConnected(error)) throw error
    }
    await sleep(pauseMs, undefined, { signal: gone })
    agent = fresh
  }
  return ask(agent)
}

/** The model role checks the same key again, so a gateway that is passed by opens nothing. */
function forwarded(request: FastifyRequest): Record<string, string> {
  return {
    authorization: request.headers.authorization ?? '',
    'content-type': 'application/json',
    'x-request-id': request.id,
  }
}

/** `only`: the model that is meant where none is named. */
function modelOf(body: unknown, only: string | undefined): string {
  const fields =
    typeof body === 'object' && body !== null && !Array.isArray(body) ? body : undefined
  if (fields === undefined) {
    const got = describeValue(body)
    const fix = 'send {"model": ...}'
    throw new HttpError('invalid_value', { param: 'body', expected: 'a JSON object', got, fix })
  }
  const { model: named, stream } = fields as { model?: unknown; stream?: unknown }
  // `null` is no model, as to OpenAI.
  const model = only === undefined ? named : (named ?? only)
  if (typeof model !== 'string' || model === '') {
    throw new HttpError(model === undefined ? 'missing_required_parameter' : 'invalid_value', {
      param: 'model',
      expected: 'the id of a model',
      got: describeValue(model, true),
      fix: 'name a model that GET /v1/models lists',
    })
  }
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean') {
    const got = describeValue(stream)
    const expected = 'true or false'
    throw new HttpError('invalid_value', { param: 'stream', expected, got, fix: 'correct it' })
  }
  return model
}

/**
 * No connection came about, or the model role closed a kept one just as it was used again: by `reset`
 * the kernel says that it did not take all that was sent. Where a fresh connection (nothing was ever
 * read from it) ends well without an answer, the request may have arrived, and is not sent again.
 */
function neverArrived(error: unknown, afterMs: number): boolean {
  if (neverConnected(error)) return true
  if (afterMs > CLOSING_MS) return false
  if (error instanceof errors.SocketError) return (error.socket?.bytesRead ?? 0) > 0
  return NEVER_TAKEN.has(codeOf(error))
}

const neverConnected = (error: unknown): boolean =>
  error instanceof errors.ConnectTimeoutError || NEVER_CONNECTED.has(codeOf(error))

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? ''

function upstreamError(error: unknown): HttpError {
  if (error instanceof HttpError) return error
  const late =
    error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError
  return new HttpError(late ? 'deadline_exceeded' : 'model_unavailable', undefined, {
    cause: error,
  })
}
