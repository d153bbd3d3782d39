import type { CardSlice } from '../accelerator.ts'
import type { FactSource } from '../fact-source.ts'

/** Media extensions (`+me`) are left out: they add video engines, which no model uses. */
function slice(profile: string, memoryMiB: number, most: number): CardSlice {
  return { profile, resource: `nvidia.com/mig-${profile}`, memoryMiB, most }
}

/** The guide gives names and counts; memory is what `nvidia-smi mig -lgip` lists. */
export const MIG_GUIDE: FactSource = {
  facts: 'names of MIG profiles and how many fit on a card',
  url: 'https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html',
  date: '2026-11-28',
}

export const A100_40GB_SLICES: readonly CardSlice[] = [
  slice('1g.5gb', 4864, 7),
  slice('1g.10gb', 9984, 4),
  slice('2g.10gb', 9984, 3),
  slice('3g.20gb', 20_096, 2),
  slice('4g.20gb', 20_096, 1),
  slice('7g.40gb', 40_320, 1),
]

export const A100_80GB_SLICES: readonly CardSlice[] = [
  slice('1g.10gb', 9728, 7),
  slice('1g.20gb', 19_968, 4),
  slice('2g.20gb', 19_968, 3),
  slice('3g.40gb', 40_192, 2),
  slice('4g.40gb', 40_192, 1),
  slice('7g.80gb', 80_896, 1),
]

export const H100_SLICES: readonly CardSlice[] = [
  slice('1g.10gb', 9984, 7),
  slice('1g.20gb', 20_096, 4),
  slice('2g.20gb', 20_096, 3),
  slice('3g.40gb', 40_448, 2),
  slice('4g.40gb', 40_448, 1),
  slice('7g.80gb', 81_152, 1),
]

export const H200_SLICES: readonly CardSlice[] = [
  slice('1g.18gb', 16_384, 7),
  slice('1g.35gb', 33_024, 4),
  slice('2g.35gb', 33_024, 3),
  slice('3g.71gb', 71_168, 2),
  slice('4g.71gb', 71_168, 1),
  slice('7g.141gb', 143_360, 1),
]

// 3g, 4g and 7g of the Blackwell cards: no listing of them was found, so these are twice and four
// times the 2g slice's memory. Real ones have slightly more, as on the cards before.
export const B200_SLICES: readonly CardSlice[] = [
  slice('1g.23gb', 20_992, 7),
  slice('1g.45gb', 45_312, 4),
  slice('2g.45gb', 45_312, 3),
  slice('3g.90gb', 90_624, 2),
  slice('4g.90gb', 90_624, 1),
  slice('7g.180gb', 181_248, 1),
]

// Names as on the clouds' nodes. Boards that report 189 GB have other names, such as 1g.24gb and
// 7g.189gb: pods that ask for these resources find none there.
export const GB200_SLICES: readonly CardSlice[] = [
  slice('1g.23gb', 22_528, 7),
  slice('1g.47gb', 46_592, 4),
  slice('2g.47gb', 46_592, 3),
  slice('3g.93gb', 93_184, 2),
  slice('4g.93gb', 93_184, 1),
  slice('7g.186gb', 186_368, 1),
]
