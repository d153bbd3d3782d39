/**
 * Functions that the SDK's own provider server uses and does not declare. The SDK is pinned
 * exactly, and the conformance test makes a chart through them.
 */
import type { Struct } from 'google-protobuf/google/protobuf/struct_pb.js'
import * as server from '@pulumi/pulumi/provider/server.js'
import * as settings from '@pulumi/pulumi/runtime/settings.js'
import * as localState from '@pulumi/pulumi/runtime/state.js'

interface Internals {
  deserializeInputs: (
    inputs: Struct | undefined,
    dependencies: unknown,
  ) => Promise<Record<string, unknown>>
  awaitFeatureSupport: () => Promise<void>
  waitForRPCs: () => Promise<void>
  withLocalStorage: <T>(work: () => Promise<T>) => Promise<T>
}

const all = { ...server, ...settings, ...localState } as unknown as Internals
export const { deserializeInputs, awaitFeatureSupport, waitForRPCs, withLocalStorage } = all
