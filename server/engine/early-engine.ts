import type { ChildProcess } from 'node:child_process'
import { chooseAddon, chosenOf } from './addon.ts'
import type { Addon } from './addon.ts'
import { startEngineChild } from './engine-child.ts'
import type { ChildEvents, EngineChild } from './engine-child.ts'
import type { EngineOptions } from './protocol.ts'

/** An engine process that loads already. */
export interface EarlyEngine {
  child: EngineChild
  addon: Promise<Addon>
  /** What it said before comes first. */
  listen(events: ChildEvents): void
}

/** Starts loading at once; nothing that the process says is lost until somebody listens. */
export function startEarly(forked: ChildProcess, options: EngineOptions): EarlyEngine {
  const addon = chooseAddon()
  const kept: ((events: ChildEvents) => void)[] = []
  let listener: ChildEvents | undefined
  const tell = (say: (events: ChildEvents) => void) => {
    if (listener === undefined) kept.push(say)
    else say(listener)
  }
  const child = startEngineChild(forked, options, addon.then(chosenOf), {
    message: (message) => tell((events) => events.message(message)),
    gone: (cause, how) => tell((events) => events.gone(cause, how)),
  })
  return {
    child,
    addon,
    listen: (events) => {
      listener = events
      for (const say of kept.splice(0)) say(events)
    },
  }
}
