import { run } from '../../../infra/local/command.ts'
import type { Peer } from './build-peer.ts'
import { SPINNING } from './llama-flags.ts'
import { STREAMS } from './workloads/throughput.ts'
import type { Cases } from './workloads/workload.ts'

const PROMPT = 64
const ANSWER = 64

/** What llama.cpp's own loop reaches without a server, as cases of workload W0. */
export async function measureLimit(peer: Peer, file: string, threads: number): Promise<Cases> {
  const cells = Math.max(...STREAMS) * (PROMPT + ANSWER)
  const printed = await run(
    peer.batchedBench,
    [
      ...['--model', file, '--threads', `${threads}`, '-c', `${cells}`, '-ub', '512'],
      ...['-npp', `${PROMPT}`, '-ntg', `${ANSWER}`, '-npl', STREAMS.join(',')],
      ...['--output-format', 'jsonl'],
    ],
    { env: { ...process.env, ...peer.env, ...SPINNING } },
  )
  return withShaping(parse(printed))
}

/** One JSON object a line; `pl` sequences, `speed_tg` tokens a second while decoding. */
function parse(printed: string): Map<number, number> {
  const rows = printed.split('\n').filter((line) => line.startsWith('{'))
  return new Map(
    rows.map((line) => {
      const row = JSON.parse(line) as { pl: number; speed_tg: number }
      return [row.pl, row.speed_tg]
    }),
  )
}

/**
 * A step of n rows may be filled up with rows that count for nothing, where the host is faster with
 * more: `shapedPerSecond` is n tokens in the shortest step of at least n rows. Pure.
 */
export function withShaping(rates: ReadonlyMap<number, number>): Cases {
  const steps = [...rates].map(([rows, rate]) => ({ rows, seconds: rows / rate }))
  return Object.fromEntries(
    steps.map(({ rows, seconds }) => {
      const shortest = Math.min(
        ...steps.filter((step) => step.rows >= rows).map((step) => step.seconds),
      )
      return [rows, { decodePerSecond: rows / seconds, shapedPerSecond: rows / shortest }]
    }),
  )
}
