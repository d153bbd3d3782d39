/** One route of answers: what is right there, to be spoilt, and what is wrong in any case. */
export interface Seed {
  path: string
  /** Bodies that are answered 200. */
  bodies: readonly Readonly<Record<string, unknown>>[]
  /** Fields that a body cannot do without. */
  required: readonly string[]
  /** Values of a field that no version of this service takes. */
  refused: Readonly<Record<string, readonly unknown[]>>
}

/** Of the fields that all routes of generated text have. */
export const REFUSED_SAMPLING = {
  model: [null, 7, '', true, ['a'], { id: 'a' }],
  stream: ['yes', 1, {}, []],
  max_tokens: [0, -1, 1.5, 2 ** 53, 1e300, '9', [], {}],
  temperature: [-1, -1e-9, 2.1, 1e308, '1', {}, [1]],
  top_p: [-0.1, 1.5, 1e308, '1', {}],
  seed: [1.5, 1e300, 'x', {}],
  stop: [3, '', [''], ['a', 'b', 'c', 'd', 'e'], { a: 1 }, 'x'.repeat(300), [null]],
  user: [7, {}, ['a']],
} as const
