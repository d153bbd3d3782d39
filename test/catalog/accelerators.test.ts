import { expect, test } from 'vitest'
import { ACCELERATOR_IDS } from '../../catalog/accelerator.ts'
import { ACCELERATORS } from '../../catalog/accelerators/index.ts'
import { FactSourceSchema } from '../../catalog/fact-source.ts'

const ROWS = Object.entries(ACCELERATORS)
const CARDS = ROWS.filter(([id]) => id !== 'cpu')

const SLICES = CARDS.flatMap(([id, card]) =>
  card.slices.map((slice) => [`${slice.profile} of ${id}`, slice, card] as const),
)

test('every accelerator has one row, and no two share an id or a name', () => {
  expect(new Set(ACCELERATOR_IDS).size).toBe(ACCELERATOR_IDS.length)
  expect(new Set(Object.keys(ACCELERATORS))).toEqual(new Set(ACCELERATOR_IDS))
  expect(new Set(ROWS.map(([, row]) => row.name)).size).toBe(ROWS.length)
})

test('the CPU asks for no device and runs the plain image', () => {
  expect(ACCELERATORS.cpu).toMatchObject({ engine: { image: 'cpu' }, sources: [], slices: [] })
  expect(ACCELERATORS.cpu.resource).toBeUndefined()
  expect(ACCELERATORS.cpu.taint).toBeUndefined()
})

test.each(CARDS)('the figures of %s are plausible', (_id, card) => {
  expect(card.memoryMiB).toBeGreaterThanOrEqual(8 * 1024)
  expect(card.memoryMiB).toBeLessThan(300 * 1024)
  if (card.bandwidthGBs !== undefined) {
    expect(card.bandwidthGBs).toBeGreaterThanOrEqual(200)
    expect(card.bandwidthGBs).toBeLessThanOrEqual(8000)
  }
})

test.each(CARDS)('%s says where its facts come from', (_id, card) => {
  expect(card.sources).not.toEqual([])
  for (const source of card.sources) expect(FactSourceSchema.parse(source)).toEqual(source)
})

test.each(CARDS)('%s is either run by an image or refused with a reason', (_id, card) => {
  const { engine } = card
  if ('refused' in engine) expect(engine.refused).toMatch(/needs (an|another) engine/)
  else expect(engine.image).toBe(card.maker === 'NVIDIA' ? 'cuda' : 'vulkan')
})

test.each(CARDS)('nodes with %s are found by resource, taint and labels', (_id, card) => {
  expect(card.resource).toMatch(/^[a-z.]+\.com\/[A-Za-z0-9]+$/)
  expect(card.taint?.key).toBe(card.resource)
  for (const [key, value] of Object.entries(card.nodeLabels)) {
    expect(key).toMatch(/^[a-z.]+\.com\/[A-Za-z0-9][-\w.]{0,61}[A-Za-z0-9]$/)
    expect(value).toMatch(/^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/)
  }
})

const LABELLED = CARDS.filter(([, card]) => Object.keys(card.nodeLabels).length > 0)

test.each(LABELLED)('no other card claims the nodes of %s', (id, card) => {
  const same = CARDS.filter(
    ([, other]) => JSON.stringify(other.nodeLabels) === JSON.stringify(card.nodeLabels),
  )
  expect(same.map(([other]) => other)).toEqual([id])
})

test('cards that MIG can partition have slices', () => {
  expect(CARDS.filter(([, card]) => card.slices.length > 0).map(([id]) => id)).toEqual([
    'nvidia-a100-40gb',
    'nvidia-a100-80gb',
    'nvidia-h100',
    'nvidia-h200',
    'nvidia-b200',
    'nvidia-gb200',
  ])
})

test.each(SLICES)('the slice %s fits on its card as often as it says', (_name, slice, card) => {
  expect(slice.resource).toBe(`nvidia.com/mig-${slice.profile}`)
  expect(slice.profile).toMatch(/^[1-7]g\.\d+gb$/)
  expect(slice.memoryMiB * slice.most).toBeLessThanOrEqual(card.memoryMiB ?? 0)
  expect(Number(slice.profile[0]) * slice.most).toBeLessThanOrEqual(7)
})

test.each(CARDS)('%s has one slice of each profile', (_id, card) => {
  const profiles = card.slices.map((slice) => slice.profile)
  expect(new Set(profiles).size).toBe(profiles.length)
})
