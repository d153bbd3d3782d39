import { describe, expect, test } from 'vitest'
import { beingRead, lateness } from './leaves.ts'

describe('who is being read', () => {
  test('the first of those that were not answered yet, as many as run beyond those that were', () => {
    expect(beingRead(['a', 'b', 'c'], { running: 5, answered: 3 })).toEqual(['a', 'b'])
    expect(beingRead(['a', 'b'], { running: 3, answered: 3 })).toEqual([])
    expect(beingRead(['a'], { running: 8, answered: 3 })).toEqual(['a'])
    expect(beingRead(['a'], { running: 2, answered: 3 })).toEqual([])
  })
})

describe('how late a slot is free', () => {
  const sample = (atMs: number, held: number, stepMs: number) => ({ atMs, held, stepMs })

  test('is counted from the end of the step that ran when the engine heard that the client left', () => {
    const samples = [sample(110, 1, 104), sample(140, 1, 130), sample(170, 0, 165)]
    expect(lateness([100], samples)).toEqual([40])
  })

  test('is nothing where the slot is free as that step ends', () => {
    expect(lateness([100], [sample(110, 1, 80), sample(140, 0, 140)])).toEqual([0])
  })

  test('is counted from the leave where no step ended after it', () => {
    expect(lateness([100], [sample(110, 1, 80), sample(190, 0, 80)])).toEqual([90])
  })

  test('those who are still there hold theirs', () => {
    const samples = [sample(135, 2, 130), sample(150, 1, 145), sample(250, 0, 230)]
    expect(lateness([100, 200], samples)).toEqual([20, 20])
  })

  test('is endless where the engine always holds one too many', () => {
    const samples = [sample(110, 2, 105), sample(210, 1, 205), sample(900, 1, 895)]
    expect(lateness([100, 200], samples)).toEqual([Infinity, Infinity])
  })
})
