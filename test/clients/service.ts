/**
 * Services for all the clients: the model role over the real engine, and the gateway before it, as the image
 * starts them; with a model that answers, and with one that makes vectors. Vitest starts them once for the project.
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
import { startEmbedder } from '../helpers/small-embedder.ts'
import type { ServedEmbedder } from '../helpers/small-embedder.ts'

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
    /** Of a model that makes vectors and answers nothing. */
    vectors: Service
  }
}

const roles: RealRole[] = []
let embedder: ServedEmbedder | undefined

export async function setup(project: TestProject): Promise<void> {
  const model = await startRole(modelConfig(MODEL, await weightsOf(MODEL)))
  roles.push(model)
  const gateway = await startRole(gatewayConfig({ [MODEL]: model.url }))
  roles.push(gateway)
  embedder = await startEmbedder()
  const other = await startRole({ role: 'gateway', models: [embedder.model] })
  roles.push(other)
  await Promise.all([...roles, embedder.role].map(untilReady))
  project.provide('service', serviceOf(gateway, MODEL))
  project.provide('vectors', serviceOf(other, embedder.model.id))
}

const serviceOf = ({ url }: RealRole, model: string): Service => ({
  ...{ baseURL: `${url}/v1`, apiKey: API_KEY, model },
})

export async function teardown(): Promise<void> {
  await Promise.all([embedder?.stop(), ...roles.splice(0).map((role) => role.stop())])
}
