/** More than any map of characters has; walking through one takes 255 steps a unit. */
const MOST_BYTES = 1 << 20
const UNIT = 4

interface CharsmapProblem {
  expected: string
  got: string
}

/**
 * What is wrong with a unigram tokenizer's map of characters, or undefined: a length, units of a double array (the
 * first is its root), then texts that end with a zero. llama.cpp walks through it by what clients write, and
 * whatever leads out of it ends the process (llama-vocab.cpp `xcda_array_view`).
 */
export function charsmapProblem(map: Buffer): CharsmapProblem | undefined {
  if (map.length > MOST_BYTES) {
    return { expected: `at most ${MOST_BYTES} bytes`, got: `${map.length}` }
  }
  const bytes = map.length < UNIT ? 0 : map.readUInt32LE(0)
  if (UNIT + bytes >= map.length) {
    return { expected: 'units and texts within the map', got: `${bytes} bytes of ${map.length}` }
  }
  const texts = map.subarray(UNIT + bytes)
  if (texts.at(-1) !== 0) return { expected: 'texts that end with a zero', got: 'one without' }
  const count = Math.floor(bytes / UNIT)
  const units = Uint32Array.from({ length: count }, (_, at) => map.readUInt32LE(UNIT * (1 + at)))
  const got = count === 0 ? undefined : wayOut(units, texts.length)
  if (got === undefined) return undefined
  return { expected: `units below ${count} and texts within the map`, got }
}

/** Goes every way that a text of a client could go. */
function wayOut(units: Uint32Array, textBytes: number): string | undefined {
  const seen = new Set<number>()
  const open = [baseOf(units[0]!)]
  for (let base = open.pop(); base !== undefined; base = open.pop()) {
    if (seen.has(base)) continue
    seen.add(base)
    for (let byte = 1; byte < 256; byte++) {
      const at = (base ^ byte) >>> 0
      const unit = units[at]
      if (unit === undefined) return `a way to unit ${at}`
      if (labelOf(unit) !== byte) continue
      const next = (at ^ baseOf(unit)) >>> 0
      open.push(next)
      if (!isLeaf(unit)) continue
      const leaf = units[next]
      if (leaf === undefined) return `a leaf at unit ${next}`
      if (valueOf(leaf) >= textBytes) return `a text at byte ${valueOf(leaf)} of ${textBytes}`
    }
  }
  return undefined
}

const baseOf = (unit: number) => ((unit >>> 10) << ((unit & (1 << 9)) >>> 6)) >>> 0
const labelOf = (unit: number) => (unit & 0x800000ff) >>> 0
const isLeaf = (unit: number) => ((unit >>> 8) & 1) === 1
const valueOf = (unit: number) => unit & 0x7fffffff
