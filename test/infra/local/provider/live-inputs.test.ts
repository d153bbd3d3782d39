import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../infra/local/provider/property-value.ts'
import { inputsAsLive, inputsOfLive } from '../../../../infra/local/provider/live-inputs.ts'

test('what only the server writes is no input of an imported object', () => {
  const live = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', uid: 'u', resourceVersion: '1', managedFields: [], labels: { b: 'c' } },
    data: { a: '1' },
    status: {},
  }
  expect(inputsOfLive(live)).toEqual({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', labels: { b: 'c' } },
    data: { a: '1' },
  })
})

test('defaults that the server added are no drift', () => {
  const inputs = {
    spec: {
      ports: [{ port: 80, name: 'http' }],
      paused: false,
      ingress: [],
      containers: [{ name: 'a', resources: { limits: { cpu: 0.5, memory: '1024Mi' } } }],
    },
  }
  const live = {
    spec: {
      ports: [{ port: 80, name: 'http', protocol: 'TCP' }],
      clusterIP: '10.0.0.1',
      containers: [
        { name: 'injected', image: 'x' },
        { name: 'a', resources: { limits: { cpu: '500m', memory: '1Gi' } }, image: 'y' },
      ],
    },
  }
  expect(inputsAsLive(inputs, live as JsonObject)).toEqual(inputs)
})

test('a changed, a removed and a reordered value are drift', () => {
  const inputs = { data: { a: '1', b: '2' }, spec: { args: ['x', 'y'], replicas: 2 } }
  const live = { data: { a: 'other' }, spec: { args: ['y', 'x'], replicas: 5 } }
  expect(inputsAsLive(inputs, live)).toEqual({
    data: { a: 'other' },
    spec: { args: ['y', 'x'], replicas: 5 },
  })
})

test('a quantity is compared as such only where quantities stand', () => {
  expect(inputsAsLive({ data: { version: '1.0' } }, { data: { version: '1' } })).toEqual({
    data: { version: '1' },
  })
})

test('stringData is seen through data', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const inputs = { kind: 'Secret', stringData: { a: 'one', b: 'two' } }
  const live = { kind: 'Secret', data: { a: base64('one'), b: base64('changed') } }
  expect(inputsAsLive(inputs, live)).toEqual({
    kind: 'Secret',
    stringData: { a: 'one', b: 'changed' },
  })
})
