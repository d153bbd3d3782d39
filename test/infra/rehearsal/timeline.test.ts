import { describe, expect, it } from 'vitest'
import { momentOf, timelineSvg } from '../../../infra/rehearsal/timeline.ts'

const moment = (seconds: number, nodes: number) => ({ seconds, nodes, ready: 0, waiting: 0 })

describe('the timeline of a rehearsal', () => {
  it('draws a count as steps that hold until the next look', () => {
    const svg = timelineSvg([moment(0, 0), moment(50, 2), moment(100, 1)], [])
    const [nodes] = [...svg.matchAll(/<path d="([^"]+)" fill="none" stroke="#2f6f4f"/g)]
    // Left edge at 0 of 2, the middle at the top, the right edge half-way.
    expect(nodes?.[1]).toBe('M48 324H496V96H944V210')
  })

  it('marks where each scenario began, with its text as text', () => {
    const svg = timelineSvg([moment(100, 1)], [{ seconds: 50, text: 'a < b & c' }])
    expect(svg).toContain('M496 96V324')
    expect(svg).toContain('a &lt; b &amp; c')
  })

  it('counts a pod that is not ready as one that waits', () => {
    const pods = [
      { name: 'a', node: 'n', ready: true },
      { name: 'b', node: undefined, ready: false },
    ]
    expect(momentOf(1, { nodes: [], pods })).toEqual({ seconds: 1, nodes: 0, ready: 1, waiting: 1 })
  })

  it('is whole when nothing was seen', () => {
    expect(timelineSvg([], [])).toMatch(/^<svg [\s\S]*<\/svg>\n$/)
    expect(timelineSvg([], [])).not.toContain('NaN')
  })
})
