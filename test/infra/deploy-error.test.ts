import { expect, test } from 'vitest'
import { deployFailed } from '../../infra/deploy-error.ts'

const error = new Error('code: 255')

test('causes are told once, without stacks and without what only follows from them', () => {
  const failure = deployFailed(
    [
      'Deployment model: 0 of 1 available\n    at register (resource.js:1:2)',
      'Deployment model: 0 of 1 available',
      'Unhandled exception: 2 UNKNOWN: resource monitor shut down',
      "Chart resource 'gateway' has a problem: grpc: the client connection is closing",
      'update failed',
    ],
    error,
  )
  expect(failure.code).toBe('DEPLOY_FAILED')
  expect(failure.problems.map(({ got }) => got)).toEqual(['Deployment model: 0 of 1 available'])
})

test('without a message of the engine the error itself is told', () => {
  expect(deployFailed([], error).message).toContain('got code: 255')
})

test('a provider that cannot be had is named with both ways out', () => {
  const message =
    "Could not automatically download and install resource plugin 'pulumi-resource-kubernetes' at version v4.34.2"
  const failure = deployFailed([message], error)
  expect(failure.code).toBe('PROVIDER_MISSING')
  expect(failure.exitCode).toBe(3)
  expect(failure.message).toContain('serantau:provider: offline')
})
