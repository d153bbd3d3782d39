import { defaultLimits } from '../../catalog/serving-config.ts'
import type { Limits } from '../../catalog/serving-config.ts'
import { HTTP_ERRORS } from '../../server/errors.ts'
import type { HttpErrorCode } from '../../server/errors.ts'
import { HTTP_LIMITS } from '../../server/plugins/http-limits.ts'

type Row = readonly [what: string, beyond: string]

const error = (code: HttpErrorCode) => `${HTTP_ERRORS[code].status} \`${code}\``

/** What can be set: of each role, in `config.limits` of its chart. */
const SET: Record<keyof Limits, Row> = {
  maxBodyBytes: ['bytes of a body', error('request_too_large')],
  requestReceiveMs: ['for a whole request to arrive, ms', error('request_timeout')],
  slowClientMs: [
    'for a client to take the next piece of what waits for it (of an answer that is no stream: a MiB), ms. The whole it must have so long after the longest answer could be written',
    'the connection is cut: `client_too_slow` in the log and in `serantau_requests_total`',
  ],
  maxStreamMs: ['for an answer, its wait in the queue included, ms', error('deadline_exceeded')],
  maxStreamsPerKey: [
    'requests of one key under way; the answers of one (`n`, a list of prompts) count once, and each waits for a slot of its own',
    error('too_many_streams'),
  ],
}

const FIXED: Record<keyof typeof HTTP_LIMITS, Row> = {
  headerBytes: ['bytes of request line and headers', error('headers_too_large')],
  headersMs: ['for the headers of a request, or for a first byte, ms', error('request_timeout')],
  handshakeMs: ['for a TLS handshake, ms', 'the connection is cut'],
  keepAliveMs: ['of a connection without a request, ms', 'the connection is closed'],
  lookMs: ['how late a time for headers or a request may be noticed, ms', ''],
  lingerMs: ['for a client to read why its connection is closed, ms', 'the connection is cut'],
  jsonDepth: ['lists and objects of a body within each other', error('invalid_json')],
}

export function limitsPage(note: string): string {
  return [
    '# Limits of a request',
    note,
    '',
    'Both roles hold them, each by itself: a gateway that is passed by opens nothing. What each error says is in [errors](errors.md#http); what to do when a',
    'client meets one, in [clients are refused or cut](../runbooks/clients-refused-or-cut.md). The limits of a model (`contextSize`, `maxQueued`, `firstTokenMs`) are those of',
    '[admission](../concepts/admission.md).',
    '',
    '## That can be set',
    '',
    'In `config.limits` of the charts. The pod must be given longer to end than `maxStreamMs`; the charts refuse less.',
    '',
    ...table(SET, defaultLimits),
    '## That are fixed',
    '',
    ...table(FIXED, HTTP_LIMITS),
    '## What a body must be',
    '',
    'JSON of which every reader makes the same: text in UTF-8, each key of an object once, no key `__proto__`, no half of a surrogate pair. Other text is refused with `invalid_json`,',
    'which names the place and not the content. NUL and other control characters are text like any other when JSON escapes them. `Content-Type` is `application/json`, with',
    '`charset=utf-8` at most, and there is no `Content-Encoding`; anything else is `unsupported_media_type`.',
    '',
    '## When something breaks',
    '',
    'A stream that has begun ends with an event that holds the error, and without `[DONE]`; an answer that is no stream is a typed 5xx (one of more than a MiB, which goes on as it comes, a cut). The',
    'gateway asks a model again only while the request cannot have arrived: no connection came about, or a kept one was being closed by the model. Nothing of which a byte has come back is asked again.',
    '',
  ].join('\n')
}

function table<Name extends string>(
  rows: Record<Name, Row>,
  values: Readonly<Record<Name, number>>,
): string[] {
  const lines = Object.entries<Row>(rows).map(
    ([name, [what, beyond]]) => `| \`${name}\` | ${values[name as Name]} | ${what} | ${beyond} |`,
  )
  return ['| Limit | Value | Of what | Beyond it |', '|---|---|---|---|', ...lines, '']
}
