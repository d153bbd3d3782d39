import type { ChosenAddon } from '../../../server/engine/protocol.ts'

/** The first message to a loader. */
export interface StartLoader {
  addon: ChosenAddon
}

export interface LoadFile {
  path: string
}

/** What native code did with a file; a loader that died says nothing. */
export type Loaded =
  | { kind: 'decoded' | 'not loaded' }
  /** It was loaded, and then refused to work. */
  | { kind: 'not decoded'; step: string }
