import { HttpError } from '../errors.ts'

/** The JSON value of a body that arrived as bytes. */
export function parseJson(body: unknown): unknown {
  try {
    return JSON.parse((body as Buffer).toString('utf8'))
  } catch {
    throw new HttpError('invalid_json', {
      param: 'body',
      expected: 'a JSON object',
      got: Buffer.isBuffer(body) && body.length > 0 ? 'text that is not JSON' : 'an empty body',
      fix: 'send valid JSON',
    })
  }
}
