import { expect, test } from 'vitest'
import { badInputs } from './bad-inputs.ts'
import { slowReaders } from './slow-readers.ts'

/** `npm run campaign` runs the same at their whole size. */
const say = () => undefined

/** What the kinds of input must have come to, the rare ones too. */
const CODES = ['bad_request', 'headers_too_large', 'invalid_api_key', 'invalid_json', 'invalid_value',
  'missing_api_key', 'missing_required_parameter', 'model_not_found', 'request_timeout', 'request_too_large',
  'unknown_url', 'unsupported_media_type'] // prettier-ignore

test('ten thousand wrong requests each get a typed 4xx through both roles, which live on and keep nobody waiting', async () => {
  const { figures, failures } = await badInputs({ size: 10_000, say })
  expect(failures).toEqual([])
  const labels = figures.map(([label]) => label)
  expect(labels).toEqual(expect.arrayContaining(CODES.map((code) => `\`${code}\``)))
}, 180_000)

test('twelve clients that never read are cut in time through both roles, and leak no slot', async () => {
  expect((await slowReaders({ size: 12, say })).failures).toEqual([])
}, 60_000)
