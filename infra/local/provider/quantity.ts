const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/**
 * Whether two texts name the same Kubernetes quantity: the server answers "0.5" as "500m" and
 * "1024Mi" as "1Gi", which is no drift.
 */
export function sameQuantity(one: string, other: string): boolean {
  const a = parse(one)
  const b = parse(other)
  if (a === undefined || b === undefined) return false
  return Math.abs(a - b) <= Math.abs(a) * 1e-12
}

function parse(text: string): number | undefined {
  const match = /^([+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][0-9]+)?)(n|u|m|k|[MGTPE]i?|Ki)?$/.exec(text)
  if (!match) return undefined
  return Number(match[1]) * (FACTORS[match[2] ?? ''] ?? 1)
}
