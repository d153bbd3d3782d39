import { expect, test } from 'vitest'
import { outputsOf, redact, secretTexts } from '../../../../infra/local/provider/outputs.ts'
import {
  hasUnknown,
  markSecrets,
  secret,
  UNKNOWN,
  unwrapSecrets,
  type JsonObject,
} from '../../../../infra/local/provider/property-value.ts'
import { asApplied } from '../../../../infra/local/provider/secret-data.ts'

test('boxes come off with their places and go on again', () => {
  const value = { a: secret('x'), b: [{ c: secret({ d: 'y' }) }], e: 1 }
  const { plain, secrets } = unwrapSecrets(value)
  expect(plain).toEqual({ a: 'x', b: [{ c: { d: 'y' } }], e: 1 })
  expect(secrets).toEqual([['a'], ['b', 0, 'c']])
  expect(markSecrets(plain as JsonObject, secrets)).toEqual(value)
})

test('the data of every Secret is secret, whatever the program said', () => {
  const live = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { k: 'djE=' } }
  const outputs = outputsOf(live, live, [], 'manager')
  expect(outputs['data']).toEqual(secret({ k: 'djE=' }))
})

test('a secret is found wherever the server put it', () => {
  const inputs = { spec: { env: [{ name: 'KEY', value: 'hunter22' }] } }
  const live = {
    metadata: { annotations: { last: '{"value":"hunter22"}' }, managedFields: [{}] },
    spec: {
      env: [
        { name: 'X', value: 'plain' },
        { name: 'KEY', value: 'hunter22' },
      ],
    },
  }
  const outputs = outputsOf(live, inputs, [['spec', 'env', 0, 'value']], 'manager')
  const plainText = JSON.stringify(withoutBoxes(outputs))
  expect(plainText).not.toContain('hunter22')
  expect(outputs['metadata']).not.toHaveProperty('managedFields')
})

test('a refusal that repeats a secret is shown without it', () => {
  const inputs = { apiVersion: 'v1', kind: 'Secret', stringData: { k: 'hunter22' } }
  expect(redact('Invalid value: "hunter22"', secretTexts(inputs, []))).toBe(
    'Invalid value: "[secret]"',
  )
})

test('stringData is applied as data, so that a dropped key goes', () => {
  const object = { apiVersion: 'v1', kind: 'Secret', data: { a: 'YQ==' }, stringData: { b: 'b' } }
  expect(asApplied(object)).toEqual({
    apiVersion: 'v1',
    kind: 'Secret',
    data: { a: 'YQ==', b: 'Yg==' },
  })
  const other = { apiVersion: 'v1', kind: 'ConfigMap', stringData: { b: 'b' } }
  expect(asApplied(other)).toBe(other)
})

test('an unknown value is seen at any depth', () => {
  expect(hasUnknown({ a: [{ b: UNKNOWN }] })).toBe(true)
  expect(hasUnknown({ a: [{ b: 'known' }] })).toBe(false)
})

/** What a reader of the state sees without the key: boxes are encrypted as a whole. */
function withoutBoxes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutBoxes)
  if (typeof value !== 'object' || value === null) return value
  if ('4dabf18193072939515e22adb298388d' in value) return '[encrypted]'
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutBoxes(item)]))
}
