import { expect, test } from 'vitest'
import { plot } from './plot.ts'
import { type Results, addRun } from './results.ts'

function results(rates: Record<string, number>): Results {
  const ours = { at: '', commit: '', cases: {} }
  for (const [streams, tokensPerSecond] of Object.entries(rates)) {
    addRun(ours, { [streams]: { tokensPerSecond } })
  }
  return { W1: { ours } }
}

test('draws one line an arm that was measured, its points in order of streams', () => {
  const svg = plot(results({ 16: 200, 1: 50, 8: 150 }), 'title')
  const lines = [...svg.matchAll(/<polyline points="([^"]*)"/g)].map((match) => match[1] ?? '')
  expect(lines).toHaveLength(1)
  const xs = lines[0]?.split(' ').map((point) => Number(point.split(',')[0])) ?? []
  expect(xs).toHaveLength(3)
  expect(xs).toEqual([...xs].sort((a, b) => a - b))
})

test('more tokens a second lie higher, and all lie within the picture', () => {
  const [slow, fast] = heights(plot(results({ 1: 10, 16: 237 }), 'title'))
  expect(fast).toBeLessThan(slow ?? 0)
  expect(fast).toBeGreaterThan(0)
  expect(slow).toBeLessThan(400)
})

test('is an empty picture without figures', () => {
  expect(plot({}, 'title')).not.toContain('polyline')
})

const heights = (svg: string): number[] =>
  (/<polyline points="([^"]*)"/.exec(svg)?.[1] ?? '')
    .split(' ')
    .map((point) => Number(point.split(',')[1]))
