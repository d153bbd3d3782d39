import { expect, test } from 'vitest'
import { stackKeys } from '../../infra/config.ts'

test('only keys of namespace serantau are read, structured ones as JSON', () => {
  expect(
    stackKeys({
      'serantau:models': '[{"id":"a"}]',
      'serantau:gatewayReplicas': '2',
      'serantau:namespace': '123',
      'kubernetes:context': 'other',
    }),
  ).toEqual({ models: [{ id: 'a' }], gatewayReplicas: 2, namespace: '123' })
})
