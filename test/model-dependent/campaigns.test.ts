import { expect, test } from 'vitest'
import { disconnects } from '../campaign/disconnects.ts'
import { exactness } from '../campaign/exactness.ts'
import { isolation } from '../campaign/isolation.ts'
import { kill } from '../campaign/kill.ts'
import { soak } from '../campaign/soak.ts'

/** `npm run campaign` runs the same at their whole size. */
const say = () => undefined
/** What is cut off goes on, and takes the cores from whatever comes next. */
const PATIENCE_MS = 900_000

test(
  'forty greedy answers equal those of llama-server, and sixteen at once those of each alone',
  async () => {
    const { failures } = await exactness({ model: 'gemma', size: 40, say }, { few: true })
    expect(failures).toEqual([])
  },
  PATIENCE_MS,
)

test(
  'five hundred pairs: another tenant, adapter or model shares no keys and values, the same one does',
  async () => {
    const { failures } = await isolation({ model: 'smollm2', size: 500, say })
    expect(failures).toEqual([])
  },
  PATIENCE_MS,
)

test(
  'sixty clients, half of them of the gateway, that leave while they wait, are read or are answered leak no slot',
  async () => {
    const { failures } = await disconnects({ model: 'smollm2', size: 60, say })
    expect(failures).toEqual([])
  },
  PATIENCE_MS,
)

test(
  'four kills of one engine: no stream hangs or says a wrong word, and service comes back',
  async () => {
    const { failures } = await kill({ model: 'smollm2', size: 4, say })
    expect(failures).toEqual([])
  },
  PATIENCE_MS,
)

test(
  'each of sixty-four requests that come sixteen at a time is answered whole',
  async () => {
    const { figures, failures } = await soak({ model: 'smollm2', size: 64, say })
    expect(failures).toEqual([])
    expect(figures).toContainEqual(['requests', '64'])
  },
  PATIENCE_MS,
)
