import { expect, test } from 'vitest'
import { parseStackFile, resolveModels } from '../../catalog/index.ts'
import { EXISTING_STACK } from '../helpers/stacks.ts'

const route = { kind: 'gatewayRoute', host: 'ai.gov.example', tlsSecret: 'ai-tls' }
const resolve = (expose: object) => resolveModels(parseStackFile({ ...EXISTING_STACK, expose }))

test('a gatewayRoute without a Gateway and without a class is refused, with both ways out', () => {
  expect(() => resolve(route)).toThrow(
    /serantau:expose: expected a Gateway .*, got neither .*Fix: set expose.gateway: .*className/,
  )
})

test.each([{ gateway: { name: 'shared', namespace: 'edge' } }, { className: 'envoy' }])(
  'a gatewayRoute with %j is taken',
  (more) => {
    expect(resolve({ ...route, ...more })).toHaveLength(2)
  },
)
