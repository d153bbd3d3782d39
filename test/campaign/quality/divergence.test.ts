import { describe, expect, test } from 'vitest'
import { type Divergence, divergenceOf, worseThan } from './divergence.ts'

const PRINTED = `
====== Perplexity statistics ======
Mean PPL(Q)                   :  11.179653 ±   0.895001
Mean PPL(base)                :  11.155766 ±   0.892861
Mean PPL(Q)/PPL(base)         :   1.002141 ±   0.003332

====== KL divergence statistics ======
Mean    KLD:   0.004520 ±   0.000184
Maximum KLD:   0.064690
`

describe('what llama-perplexity prints', () => {
  test('is read with its errors', () => {
    expect(divergenceOf(PRINTED)).toEqual({
      perplexity: { value: 11.179653, error: 0.895001 },
      reference: { value: 11.155766, error: 0.892861 },
      mean: { value: 0.00452, error: 0.000184 },
    })
  })

  test('is refused where a figure is missing', () => {
    expect(() => divergenceOf('failed to open')).toThrow('no perplexity')
    expect(() => divergenceOf(PRINTED.replace('Mean    KLD', 'KLD'))).toThrow('no divergence')
  })
})

describe('our kernels', () => {
  const divergence = (mean: number, perplexity = 11): Divergence => ({
    perplexity: { value: perplexity, error: 1 },
    reference: { value: 11, error: 1 },
    mean: { value: mean, error: 0.0001 },
  })

  test('may be as near to the exact ones as stock, or nearer, or further by little or by chance', () => {
    expect(worseThan(divergence(0.005, 11.1), divergence(0.005, 11.2))).toEqual([])
    expect(worseThan(divergence(0.005), divergence(0.004))).toEqual([])
    expect(worseThan(divergence(0.005), divergence(0.0051))).toEqual([])
    expect(worseThan(divergence(0.005), divergence(0.00535))).toEqual([])
  })

  test('may not be further', () => {
    expect(worseThan(divergence(0.005), divergence(0.0054))).toEqual([
      expect.stringContaining('1.080'),
    ])
  })

  test('must be others than stock', () => {
    expect(worseThan(divergence(0.005), divergence(0.005))).toEqual([
      expect.stringContaining('same kernels'),
    ])
  })
})
