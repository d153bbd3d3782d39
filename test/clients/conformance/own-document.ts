import type { Service } from '../service.ts'
import type { Json } from './openapi-schemas.ts'

/** The OpenAPI document that the service serves. */
export async function ownDocument({ baseURL, apiKey }: Service): Promise<Json> {
  const headers = { authorization: `Bearer ${apiKey}` }
  const response = await fetch(new URL('/openapi.json', baseURL), { headers })
  return (await response.json()) as Json
}
