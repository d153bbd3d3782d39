import { closedLoop, summarise } from '../load.ts'
import { type Cases, type Session, type Workload, figure, withArm } from './workload.ts'

/** Of W5; tokens. */
export const BURST = { requests: 16, common: 500, own: 32, answer: 32 }
const USERS = 8
const TURNS = 6

export const PREFIXES: Record<string, Workload> = {
  W5: {
    title: '16 requests at once, 500 common and 32 own tokens, 32 out',
    context: 1024,
    run: burst,
    arms: ['ours', 'prebuilt', 'plain', 'llama-server', 'llama-server-best', 'batched-bench'],
    score: (cases) => 1 / figure(cases, 'cold', 'ttftP50'),
    searches: ['unified', 'parallel', 'batch', 'swaFull', 'cacheRam'],
  },
  W6: {
    title: '8 users, 6 turns each',
    context: 2048,
    run: conversations,
    score: (cases) => figure(cases, 'all', 'tokensPerSecond'),
    searches: ['unified', 'parallel', 'swaFull', 'cacheRam'],
  },
}

/** Cold: nobody asked with this prefix before. Warm: others' ends on the same prefix. */
async function burst(session: Session): Promise<Cases> {
  const { prompts, seed } = session
  const { requests, own, answer } = BURST
  const common = prompts.prompt(`W5 ${seed}`, BURST.common)
  return withArm(session, async (arm) => {
    const cases: Cases = {}
    for (const name of ['cold', 'warm']) {
      cases[name] = await session.measure(arm, async () =>
        summarise(
          await closedLoop(arm, requests, 1, (stream) => ({
            prompt: [...common, ...prompts.stretch(`W5 ${seed} ${name} ${stream}`, own)],
            maxTokens: answer,
          })),
        ),
      )
    }
    return cases
  })
}

/**
 * Each turn sends all that was said before. What the assistant "said" is text from the script, not
 * the answer: so every arm gets the same tokens, and finds its cache up to the end of a prompt.
 */
async function conversations(session: Session): Promise<Cases> {
  const { prompts, seed, quick } = session
  const turns = quick ? 3 : TURNS
  const said = Array.from({ length: USERS }, (_, user) =>
    Array.from({ length: turns }, (_, turn) => prompts.stretch(`W6 ${seed} ${user} ${turn}`, 128)),
  )
  return withArm(session, async (arm) => ({
    all: await session.measure(arm, async () =>
      summarise(
        await closedLoop(arm, USERS, turns, (user, turn) => ({
          prompt: [
            ...prompts.prompt(`W6 ${seed} system`, 64),
            ...(said[user]?.slice(0, turn + 1).flat() ?? []),
          ],
          maxTokens: 32,
        })),
      ),
    ),
  }))
}
