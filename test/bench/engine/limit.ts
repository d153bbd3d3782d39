import { run } from '../../../infra/local/command.ts'
import type { Peer } from './build-peer.ts'
import { SPINNING } from './llama-flags.ts'
import type { Figures } from './load.ts'
import { recordedCommands } from './recorded.ts'
import { BURST } from './workloads/prefixes.ts'
import { STREAMS } from './workloads/throughput.ts'
import type { Cases } from './workloads/workload.ts'

const PROMPT = 64
const ANSWER = 64

/** What llama.cpp's own loop reaches without a server, as cases of workload W0: all of one command. */
export async function measureLimit(peer: Peer, file: string, threads: number): Promise<Cases> {
  const { value: rows, taken } = await recordedCommands(() =>
    batchedBench({ peer, file, threads }, PROMPT, ANSWER, STREAMS),
  )
  const cases = withShaping(new Map(rows.map(({ pl, speed_tg }) => [pl, speed_tg])))
  return Object.fromEntries(
    Object.entries(cases).map(([name, figures]) => [name, { ...figures, ...taken }]),
  )
}

/**
 * What llama.cpp as it comes would reach in workload W5: the common prefix is read once, then each
 * request's own tokens in turn, then all answers a token a step; nothing else takes any time.
 */
export async function measureBurstLimit(peer: Peer, file: string, threads: number): Promise<Cases> {
  const { requests, common, own, answer } = BURST
  const { value, taken } = await recordedCommands(() =>
    batchedBench({ peer, file, threads }, common + own, answer, [requests]),
  )
  const { speed_pp = Number.NaN, speed_tg = Number.NaN } = value[0] ?? {}
  return { cold: { ...burstLimit(speed_pp, speed_tg), ...taken } }
}

/** From tokens a second of reading, and of `requests` answers together at that depth. Pure. */
export function burstLimit(readPerSecond: number, decodedPerSecond: number): Figures {
  const { requests, common, own, answer } = BURST
  const half = (requests + 1) / 2
  const read = (common + requests * own) / readPerSecond
  // The first token of each comes with its prompt.
  const decode = (requests * (answer - 1)) / decodedPerSecond
  return {
    ttftP50: ((common + half * own) / readPerSecond) * 1000,
    requestsPerSecond: requests / (read + decode),
  }
}

/** `pl` sequences at once; tokens a second of prompts and of answers. */
interface Row {
  pl: number
  speed_pp: number
  speed_tg: number
}

async function batchedBench(
  { peer, file, threads }: { peer: Peer; file: string; threads: number },
  prompt: number,
  answer: number,
  sequences: readonly number[],
): Promise<Row[]> {
  const cells = Math.max(...sequences) * (prompt + answer)
  const printed = await run(
    peer.batchedBench,
    [
      ...['--model', file, '--threads', `${threads}`, '-c', `${cells}`, '-ub', '512'],
      ...['-npp', `${prompt}`, '-ntg', `${answer}`, '-npl', sequences.join(',')],
      ...['--output-format', 'jsonl'],
    ],
    { env: { ...process.env, ...peer.env, ...SPINNING } },
  )
  const rows = printed.split('\n').filter((line) => line.startsWith('{'))
  return rows.map((line) => JSON.parse(line) as Row)
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
