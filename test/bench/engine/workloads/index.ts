import { HOP_RULES } from './hop-rules.ts'
import { HOP } from './hop.ts'
import { INTERFERENCE } from './interference.ts'
import { JSON_SCHEMA } from './json-schema.ts'
import { LIFECYCLE } from './lifecycle.ts'
import { LOGPROBS } from './logprobs.ts'
import { OVERLOADED } from './overload.ts'
import { PREFIXES } from './prefixes.ts'
import { SHARED } from './shared-cores.ts'
import { THROUGHPUT } from './throughput.ts'
import { WIRE } from './wire.ts'
import type { Workload } from './workload.ts'

export const WORKLOADS: Record<string, Workload> = {
  ...THROUGHPUT,
  W4: INTERFERENCE,
  ...PREFIXES,
  W8: JSON_SCHEMA,
  W10: OVERLOADED,
  ...LIFECYCLE,
  hop: HOP,
  'hop-rules': HOP_RULES,
  logprobs: LOGPROBS,
  wire: WIRE,
  shared: SHARED,
}
