import { afterEach, describe, expect, it, vi } from 'vitest'
import { startCluster, stopCluster } from '../../../../infra/local/cluster.ts'

describe('the embedded cluster without root', () => {
  afterEach(() => vi.restoreAllMocks())

  it.each([
    ['start', startCluster],
    ['stop', stopCluster],
  ])('is refused at %s, naming what to do instead, before anything is done', async (_, work) => {
    vi.spyOn(process, 'getuid').mockReturnValue(1000)
    const report = vi.fn()
    await expect(work('never', report)).rejects.toMatchObject({
      code: 'NOT_ROOT',
      problems: [{ got: 'user id 1000', fix: expect.stringContaining('kind: existing') as string }],
    })
    expect(report).not.toHaveBeenCalled()
  })
})
