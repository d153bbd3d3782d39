import type { ModelShape } from '../../catalog/model-shape.ts'

const MEBIBYTE = 2 ** 20
/** The server process and the engine process without a model. */
const PROCESSES = 279 * MEBIBYTE
/** A token's text and the ways to it. */
const TOKEN_BYTES = 30
/** Samplers, and text on its way. */
const SLOT = 0.4 * MEBIBYTE
const F32 = 4

/** What the two processes of a model role hold beside `memoryOf`, bytes. Measured: the campaign `planner`. */
export const processBytes = ({ vocabulary }: ModelShape, slots: number): number =>
  PROCESSES + vocabulary * TOKEN_BYTES + slots * (SLOT + vocabulary * F32)
