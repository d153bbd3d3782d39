/**
 * Stands for the engine process: the first token of a prompt says what it does. Each argument is a
 * warning as JSON, which it sends before it is ready.
 */
import type { ModelDescription } from '../../server/engine/engine.ts'
import type { Answer, FromEngine, ToEngine } from '../../server/engine/protocol.ts'
import type { EngineWarning } from '../../server/engine/warning.ts'

export const ANSWERS = 1
export const ENDS = 2
export const HANGS = 3
export const ANSWERS_AND_ENDS = 4

const none = { kvTokens: 0, running: 0, waiting: 0, threads: 1 }
const cache = { tokens: { slot: 0, memory: 0, volume: 0 }, entries: 0, bytes: 0 }
const drafts = { accepted: 0, rejected: 0 }
const shaping = { padRows: 0, moves: 0, copies: 0 }
/** What a step takes. */
const PROBE_MS = 50
let hangs = false

const send = (message: FromEngine, then?: () => void) => process.send?.(message, () => then?.())
const round = (answers: Answer[], then?: () => void) =>
  send({ kind: 'round', answers, stepped: true, ...none, cache, drafts, shaping }, then)

function generate({ id, request }: Extract<ToEngine, { kind: 'generate' }>): void {
  const piece: Answer = { id, kind: 'piece', piece: { text: 'a', tokens: 1, finish: 'stop' } }
  const [what] = request.prompt
  if (what === ANSWERS) round([piece, { id, kind: 'end' }])
  if (what === ANSWERS_AND_ENDS) round([piece], () => process.exit(7))
  if (what === ENDS) process.exit(7)
  if (what === HANGS) hangs = true
}

const MODEL: ModelDescription = {
  ...{ chatTemplate: undefined, vocabularySize: 8, bosText: '', eosText: '' },
  embeddingSize: undefined,
}

process.once('message', () => {
  process.on('message', (message: ToEngine) => {
    if (message.kind === 'generate') generate(message)
    if (message.kind === 'probe' && !hangs)
      setTimeout(() => round([{ id: message.id, kind: 'end' }]), PROBE_MS)
  })
  for (const text of process.argv.slice(2)) {
    send({ kind: 'warning', warning: JSON.parse(text) as EngineWarning })
  }
  send({ kind: 'ready', compiled: false, untouchedBytes: 0, model: MODEL })
})
process.on('disconnect', () => process.exit(0))
