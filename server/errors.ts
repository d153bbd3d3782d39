interface Row {
  status: number
  type: string
  /** Fixed message; without it the message names field, expected, got and fix. */
  text?: string
  retryAfterS?: number
}

/**
 * Every error of the HTTP API: one row a code, in OpenAI's shape. 5xx rows carry the only text that a
 * client sees; the cause goes to the log.
 */
export const HTTP_ERRORS = {
  invalid_json: { status: 400, type: 'invalid_request_error' },
  invalid_value: { status: 400, type: 'invalid_request_error' },
  missing_required_parameter: { status: 400, type: 'invalid_request_error' },
  unsupported_parameter: { status: 400, type: 'invalid_request_error' },
  context_length_exceeded: { status: 400, type: 'invalid_request_error' },
  unsupported_schema: { status: 400, type: 'invalid_request_error' },
  generation_not_supported: { status: 400, type: 'invalid_request_error' },
  embeddings_not_supported: { status: 400, type: 'invalid_request_error' },
  chat_not_supported: { status: 400, type: 'invalid_request_error' },
  bad_request: { status: 400, type: 'invalid_request_error' },
  missing_api_key: { status: 401, type: 'invalid_request_error' },
  invalid_api_key: { status: 401, type: 'invalid_request_error' },
  model_not_found: { status: 404, type: 'invalid_request_error' },
  unknown_url: { status: 404, type: 'invalid_request_error' },
  request_timeout: { status: 408, type: 'invalid_request_error' },
  request_too_large: { status: 413, type: 'invalid_request_error' },
  unsupported_media_type: { status: 415, type: 'invalid_request_error' },
  headers_too_large: { status: 431, type: 'invalid_request_error' },
  too_many_streams: { status: 429, type: 'rate_limit_error', retryAfterS: 1 },
  queue_full: { status: 429, type: 'rate_limit_error', retryAfterS: 2 },
  overloaded: { status: 429, type: 'rate_limit_error', retryAfterS: 5 },
  // Nobody reads these two; logs and metrics do.
  client_closed_request: { status: 499, type: 'invalid_request_error', text: 'The client left.' },
  client_too_slow: {
    status: 499,
    type: 'invalid_request_error',
    text: 'The client took its answer too slowly.',
  },
  internal_error: {
    status: 500,
    type: 'server_error',
    text: 'The server failed; its log has the cause under this request id.',
  },
  model_unavailable: {
    status: 503,
    type: 'service_unavailable_error',
    retryAfterS: 3,
    text: 'The model is not available right now. Fix: try again after the seconds in Retry-After.',
  },
  model_starting: {
    status: 503,
    type: 'service_unavailable_error',
    retryAfterS: 10,
    text: 'The model had no pod, and none came up in the time that a request is held. Fix: try again after the seconds in Retry-After; if it goes on, tell who runs this service.',
  },
  too_many_held: {
    status: 503,
    type: 'service_unavailable_error',
    retryAfterS: 10,
    text: 'The model has no pod yet, and as many requests as can be held wait for it. Fix: try again after the seconds in Retry-After.',
  },
  shutting_down: {
    status: 503,
    type: 'service_unavailable_error',
    retryAfterS: 1,
    text: 'This server is shutting down. Fix: try again.',
  },
  deadline_exceeded: {
    status: 504,
    type: 'server_error',
    text: 'The answer took longer than this service allows. Fix: ask for fewer tokens (max_tokens).',
  },
} as const satisfies Record<string, Row>

export type HttpErrorCode = keyof typeof HTTP_ERRORS

export interface HttpProblem {
  /** Field of the request, OpenAI's `param`. */
  param?: string
  expected: string
  got: string
  fix: string
}

export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string }
}

/** An error that a client is meant to see. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly code: HttpErrorCode
  readonly param: string | undefined
  readonly #retryAfterS: number | undefined

  /** `retryAfterS`: when to try again, where that is known better than the table knows it. */
  constructor(
    code: HttpErrorCode,
    problem?: HttpProblem,
    options?: ErrorOptions & { retryAfterS?: number | undefined },
  ) {
    super(messageOf(code, problem), options)
    this.code = code
    this.param = problem?.param
    this.#retryAfterS = options?.retryAfterS
  }

  get status(): number {
    return HTTP_ERRORS[this.code].status
  }

  get retryAfterS(): number | undefined {
    return this.#retryAfterS ?? rowOf(this.code).retryAfterS
  }

  get body(): ErrorBody {
    return {
      error: {
        message: this.message,
        type: HTTP_ERRORS[this.code].type,
        param: this.param ?? null,
        code: this.code,
      },
    }
  }
}

const rowOf = (code: HttpErrorCode): Row => HTTP_ERRORS[code]

function messageOf(code: HttpErrorCode, problem: HttpProblem | undefined): string {
  const { text } = rowOf(code)
  if (text !== undefined) return text
  if (problem === undefined) return `The request was refused (${code}).`
  const where = problem.param === undefined ? 'Expected' : `${problem.param}: expected`
  return `${where} ${problem.expected}, got ${problem.got}. Fix: ${problem.fix}.`
}

const SHOWN = 64

/** What a person sees of a value: never long, never a control character. */
export function describeValue(value: unknown, quote = false): string {
  if (value === undefined) return 'nothing'
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return `the number ${value}`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object') return 'an object'
  if (typeof value !== 'string') return `a ${typeof value}`
  if (!quote) return `a string of ${value.length} characters`
  const clean = value.slice(0, SHOWN).replace(/[^\x20-\x7e]/g, '?')
  return `"${clean}${value.length > SHOWN ? '…' : ''}"`
}
