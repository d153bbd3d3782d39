import * as nodeLlamaCpp from 'node-llama-cpp'
import { describe, expect, test } from 'vitest'
import type { EnginePackage } from '../../server/engine/bindings.ts'
import { loadBindings } from '../../server/engine/bindings.ts'

const PREBUILT = { compiled: false, key: 'prebuilt' }

/** What becomes of a start whose package answers so. */
const started = (gpu: boolean, getLlama: () => Promise<unknown>) =>
  loadBindings({ gpu, threads: 1 }, PREBUILT, async () => ({
    ...nodeLlamaCpp,
    getLlama: getLlama as EnginePackage['getLlama'],
  }))
/** The package's own error: its name is that of any. */
const noBinary = () => Promise.reject(new nodeLlamaCpp.NoBinaryFoundError())

describe('an image for an accelerator', () => {
  test('without gpu is refused: it has no engine for the CPU', async () => {
    await expect(started(false, noBinary)).rejects.toMatchObject({
      code: 'ENGINE_ADDON_UNUSABLE',
      problems: [{ path: 'config.model.gpu', fix: expect.stringMatching(/^set gpu: true, or/) }],
    })
  })

  test.each([
    ['whose driver finds none', noBinary],
    ['where the package fell back to the CPU', async () => ({ gpu: false })],
  ])('with gpu, %s, serves nothing', async (_name, getLlama) => {
    await expect(started(true, getLlama)).rejects.toMatchObject({
      code: 'ACCELERATOR_MISSING',
      problems: [{ path: 'resources.accelerator', fix: expect.stringContaining('driver') }],
    })
  })
})

test.each([true, false])('another error of the package stays what it is, gpu %s', async (gpu) => {
  const error = new Error('any other')
  await expect(started(gpu, () => Promise.reject(error))).rejects.toBe(error)
})

test('the engine that the package loads is told with what it runs on', async () => {
  const bindings = {}
  const llama = {
    ...{ gpu: 'cuda', buildType: 'prebuilt', _bindings: bindings },
    getGpuDeviceNames: async () => ['Card 1'],
  }
  const loaded = await started(true, async () => llama)
  expect(loaded).toMatchObject({ compiled: false, host: expect.stringMatching(/ Card 1$/) })
  expect(loaded.bindings).toBe(bindings)
})
