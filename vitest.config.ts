import { defineConfig } from 'vitest/config'

/** These compare the whole machine before and after: no other cluster may come or go meanwhile. */
const ALONE = ['test/e2e/main-job.test.ts', 'test/e2e/cluster.test.ts']

/** Tests are split by what they need: nothing, a real model file, or a real cluster. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'test/{catalog,weights,infra,server,charts,cli,docs,bench,campaign}/**/*.test.ts',
          ],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'model-dependent',
          include: ['test/model-dependent/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          // Programs of others ask one service, that this starts.
          name: 'clients',
          include: ['test/clients/**/*.test.ts'],
          globalSetup: ['test/clients/service.ts'],
          setupFiles: ['test/clients/no-other-address.ts'],
          testTimeout: 120_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: ALONE,
          // Each has a cluster of its own and mostly waits: two at a time (`npm test` says so).
          testTimeout: 300_000,
          hookTimeout: 900_000,
        },
      },
      {
        test: {
          name: 'e2e-alone',
          include: ALONE,
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
})
