/** A JSON schema that no grammar can be made of. `pointer` is where in it (RFC 6901), `detail` why. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
  readonly pointer: string

  constructor(pointer: string, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.pointer = pointer
  }
}

export const pointerTo = (pointer: string, ...keys: readonly (string | number)[]): string =>
  [pointer, ...keys.map((key) => `${key}`.replaceAll('~', '~0').replaceAll('/', '~1'))].join('/')
