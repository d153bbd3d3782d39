import type { Engine } from '../engine/engine.ts'
import type { Metrics } from '../plugins/metrics.ts'

/** The `vllm:` names are what routers and autoscalers read already. */
export function registerEngineMetrics(metrics: Metrics, engine: Engine): void {
  metrics.gauge('vllm:num_requests_running', 'Requests being decoded', () => engine.stats().running)
  metrics.gauge(
    'vllm:num_requests_waiting',
    'Requests that wait for a slot',
    () => engine.stats().waiting,
  )
  metrics.gauge(
    'vllm:kv_cache_usage_perc',
    'Share of the KV cache in use, 0 to 1',
    () => engine.stats().kvUsage,
  )
  metrics.gauge('serantau_engine_ready', '1: the engine decodes', () =>
    engine.status().state === 'ready' ? 1 : 0,
  )
  metrics.gauge(
    'serantau_engine_restarts',
    'Restarts of the engine process',
    () => engine.status().restarts,
  )
  metrics.gauge(
    'serantau_engine_threads',
    'Threads that decode: fewer than the cores of the quota while others use those',
    () => engine.stats().threads,
  )
  metrics.counter(
    'serantau_prefix_cache_tokens_total',
    'Prompt tokens that needed no evaluation, by where their keys and values were',
    'source',
    () => engine.stats().cache.tokens,
  )
  metrics.counter(
    'serantau_draft_tokens_total',
    'Guessed tokens that were decoded, by whether they came true',
    'outcome',
    () => ({ ...engine.stats().drafts }),
  )
  metrics.counter(
    'serantau_step_shaping_total',
    'Rows that filled up steps, answers that moved to another slot, prefixes copied between slots',
    'what',
    () => ({ ...engine.stats().shaping }),
  )
  metrics.gauge(
    'serantau_prefix_cache_entries',
    'Prefixes kept in memory beyond the slots',
    () => engine.stats().cache.entries,
  )
  metrics.gauge(
    'serantau_prefix_cache_bytes',
    'Their size, bytes',
    () => engine.stats().cache.bytes,
  )
}
