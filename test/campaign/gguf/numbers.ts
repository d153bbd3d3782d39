/** Numbers that readers have fallen over: beside powers of two, and those that mean something else as a float. */
export const HARD_NUMBERS: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 4n, 5n, 7n, 8n, 9n, 31n, 32n, 33n, 63n, 64n, 127n, 255n, 256n, 257n],
  ...[511n, 512n, 513n, 1023n, 4096n, 65_535n, 65_536n, 1n << 20n, (1n << 24n) + 1n],
  ...[(1n << 31n) - 1n, 1n << 31n, (1n << 32n) - 1n, 1n << 32n, (1n << 32n) + 1n],
  ...[1n << 40n, (1n << 53n) - 1n, 1n << 53n, 1n << 60n, 1n << 61n, 1n << 62n],
  ...[(1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 32n, (1n << 64n) - 1n],
  // Of 32 bits: not a number, infinity, -1, less than any other.
  ...[0x7fc0_0000n, 0x7f80_0000n, 0xbf80_0000n, 0x0000_0001_8000_0001n],
]

export type Random = () => number

export const below = (random: Random, count: number) => Math.floor(random() * count)

export const pick = <Item>(random: Random, items: readonly Item[]): Item =>
  items[below(random, items.length)]!

/** A hard number, or one near the `old` one. */
export function hardNumber(random: Random, old: bigint): bigint {
  const near = [old + 1n, old - 1n, old * 2n, old + 32n, old << 32n]
  const value = random() < 0.3 ? pick(random, near) : pick(random, HARD_NUMBERS)
  return BigInt.asUintN(64, value)
}
