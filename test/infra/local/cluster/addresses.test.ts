import { describe, expect, it } from 'vitest'
import {
  INDEXES,
  addressesOf,
  chooseIndex,
  overlap,
  takenBy,
} from '../../../../infra/local/cluster/addresses.ts'

describe('addresses of embedded clusters', () => {
  it('keeps node, Services and pods of one cluster in its own range and apart', () => {
    const { range, node, host, services, pods, dns, gateway, kubernetes } = addressesOf(3)
    expect({ range, node, host, services, pods }).toEqual({
      range: '10.99.12.0/22',
      node: '10.99.12.1',
      host: '10.99.12.254',
      services: '10.99.13.0/24',
      pods: '10.99.14.0/24',
    })
    for (const address of [node, host, services, pods]) expect(overlap(range, address)).toBe(true)
    for (const address of [dns, gateway, kubernetes]) expect(overlap(services, address)).toBe(true)
    expect(overlap(services, pods)).toBe(false)
    expect(overlap(pods, node)).toBe(false)
  })

  it('gives no two clusters overlapping ranges', () => {
    const all = Array.from({ length: INDEXES }, (_, index) => addressesOf(index))
    for (const one of all) {
      const rivals = all.filter(
        (other) => other.index > one.index && overlap(one.range, other.range),
      )
      expect(rivals).toEqual([])
    }
  })

  it('reads ranges whichever of the two is wider', () => {
    expect(overlap('10.0.0.0/8', '10.99.0.0/22')).toBe(true)
    expect(overlap('10.99.0.0/22', '10.99.3.255')).toBe(true)
    expect(overlap('10.99.0.0/22', '10.99.4.0/22')).toBe(false)
  })

  it('skips what other clusters hold and what the host uses', () => {
    expect(chooseIndex(0, new Set(), [])).toBe(0)
    expect(chooseIndex(0, new Set([0, 1]), ['10.99.8.0/24'])).toBe(3)
  })

  it('begins at the seed and goes round', () => {
    expect(chooseIndex(70, new Set(), [])).toBe(6)
    expect(chooseIndex(63, new Set([63]), [])).toBe(0)
  })

  it('goes to the other block when a VPN owns the first', () => {
    const index = chooseIndex(0, new Set(), ['10.0.0.0/8'])
    expect(addressesOf(index!).range).toBe('172.29.0.0/22')
  })

  it('chooses none when the host uses all', () => {
    expect(chooseIndex(0, new Set(), ['10.0.0.0/8', '172.16.0.0/12'])).toBeUndefined()
  })

  it('names the range of the host that is in the way', () => {
    expect(takenBy(0, ['192.0.2.0/24', '10.99.2.7'])).toBe('10.99.2.7')
  })
})
