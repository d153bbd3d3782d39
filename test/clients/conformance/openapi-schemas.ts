import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ErrorObject } from 'ajv'
import addFormats from 'ajv-formats'

export type Json = Record<string, unknown>

const MOST_COMPLAINTS = 12

/** The schemas of an OpenAPI 3.1 document: what answers are held to. */
export class OpenApiSchemas {
  readonly document: Json
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true, logger: false })

  constructor(document: Json) {
    this.document = document
    addFormats.default(this.#ajv)
    // Of OpenAI's document: seconds since 1970.
    this.#ajv.addFormat('unixtime', { type: 'number', validate: Number.isInteger })
    this.#ajv.addSchema(document, 'document')
  }

  /** What is wrong with a value by the schema of that name; empty: nothing. */
  complaints(name: string, value: unknown): string[] {
    const $ref = `document#/components/schemas/${name}`
    const validate = this.#ajv.getSchema($ref)
    if (validate === undefined) throw new Error(`the document has no schema ${name}`)
    return validate(value) === true ? [] : shown(validate.errors ?? [])
  }
}

const shown = (errors: readonly ErrorObject[]): string[] =>
  errors
    .slice(0, MOST_COMPLAINTS)
    .map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    )
