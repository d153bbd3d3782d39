/**
 * One service for all the clients: the model role over the real engine, and the gateway before it, as the
 * image starts them. Vitest starts it once for the project.
 */
import type { TestProject } from 'vitest/node'
import {
  gatewayConfig,
  modelConfig,
  startRole,
  untilReady,
  weightsOf,
} from '../helpers/real-role.ts'
import type { RealRole } from '../helpers/real-role.ts'
import { API_KEY } from '../helpers/roles.ts'

const MODEL = 'smollm2-135m-instruct'

/** What a client is told. */
export interface Service {
  /** Ends with `/v1`. */
  baseURL: string
  apiKey: string
  model: string
}

declare module 'vitest' {
  interface ProvidedContext {
    service: Service
  }
}

const roles: RealRole[] = []

export async function setup(project: TestProject): Promise<void> {
  const model = await startRole(modelConfig(MODEL, await weightsOf(MODEL)))
  roles.push(model)
  const gateway = await startRole(gatewayConfig({ [MODEL]: model.url }))
  roles.push(gateway)
  await Promise.all(roles.map(untilReady))
  project.provide('service', { baseURL: `${gateway.url}/v1`, apiKey: API_KEY, model: MODEL })
}

export async function teardown(): Promise<void> {
  await Promise.all(roles.splice(0).map((role) => role.stop()))
}
