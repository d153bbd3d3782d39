const MEBIBYTE = 2 ** 20
/** The server process, the engine process without a model, and what both keep of requests. */
const PROCESSES = 285 * MEBIBYTE
/** Of each: samplers, logits, and text on its way. */
const SLOT = 1.25 * MEBIBYTE

/** What the two processes of a model role hold beside `memoryOf`, bytes. Measured: the campaign `planner`. */
export const processBytes = (slots: number): number => PROCESSES + slots * SLOT
