import { expect, test } from 'vitest'
import { AUTONAMED, fieldManagerOf, withName } from '../../../../infra/local/provider/naming.ts'
import { UNKNOWN } from '../../../../infra/local/provider/property-value.ts'

const urn = 'urn:pulumi:dev::kit::kubernetes:core/v1:ConfigMap::settings'
const seed = new Uint8Array([1, 2, 3])

test('an object without a name is named after its resource, the same for the same seed', () => {
  const named = withName({ kind: 'ConfigMap' }, undefined, { urn, seed })
  expect(named).toEqual({
    kind: 'ConfigMap',
    metadata: {
      name: expect.stringMatching(/^settings-[0-9a-f]{8}$/) as string,
      annotations: { [AUTONAMED]: 'true' },
    },
  })
  expect(withName({ kind: 'ConfigMap' }, undefined, { urn, seed })).toEqual(named)
  const other = withName({ kind: 'ConfigMap' }, undefined, { urn, seed: new Uint8Array([4]) })
  expect(other).not.toEqual(named)
})

test('an auto-named object keeps its name, and its own annotations', () => {
  const olds = { metadata: { name: 'settings-1', annotations: { [AUTONAMED]: 'true' } } }
  const news = { metadata: { annotations: { a: 'b' } } }
  expect(withName(news, olds, { urn, seed })).toEqual({
    metadata: { name: 'settings-1', annotations: { a: 'b', [AUTONAMED]: 'true' } },
  })
})

test('a name that was fixed before does not stay when it is left out', () => {
  const olds = { metadata: { name: 'fixed' } }
  const named = withName({}, olds, { urn, seed }) as { metadata: { name: string } }
  expect(named.metadata.name).toMatch(/^settings-/)
})

test('a given or not yet known name is left alone', () => {
  const given = { metadata: { name: 'mine' } }
  expect(withName(given, undefined, { urn, seed })).toBe(given)
  const unknown = { metadata: { name: UNKNOWN } }
  expect(withName(unknown, undefined, { urn, seed })).toBe(unknown)
})

test("the engine's own autonaming configuration decides when there is one", () => {
  const wish = { proposedName: 'proposed', mode: 'propose' as const }
  expect(withName({}, undefined, { urn, seed, wish })).toMatchObject({
    metadata: { name: 'proposed' },
  })
  const off = { proposedName: '', mode: 'disable' as const }
  expect(withName({}, undefined, { urn, seed, wish: off })).toEqual({})
})

test('every resource has a field manager of its own', () => {
  expect(fieldManagerOf(urn)).toMatch(/^pulumi-kubernetes-[0-9a-f]{8}$/)
  expect(fieldManagerOf(urn)).not.toBe(fieldManagerOf(`${urn}2`))
})
