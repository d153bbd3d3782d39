import { Markers } from './markers.ts'
import type { CallFormat, OutputFormat } from './output-format.ts'

/** What stands at a marker. */
export type Role = 'thoughts' | 'thoughts-end' | 'calls' | 'section-end' | 'frame'

/** The markers that count at one place of an answer. */
export class MarkerTable {
  readonly texts: readonly string[]
  readonly markers: Markers
  readonly #roles: ReadonlyMap<string, Role>

  constructor(entries: readonly Entry[]) {
    const written = entries.map(([text, role]): Entry => [text.trim(), role])
    this.#roles = new Map(written.filter(([text]) => text !== ''))
    this.texts = [...this.#roles.keys()]
    this.markers = new Markers(this.texts)
  }

  role(marker: string): Role {
    return this.#roles.get(marker) ?? 'frame'
  }
}
type Entry = readonly [text: string, role: Role]

export interface AnswerMarkers {
  /** Before anything else. */
  readonly beginning: MarkerTable
  readonly thoughts: MarkerTable
  readonly body: MarkerTable
  /** In a section of calls, where something else than a call came. */
  readonly openSection: MarkerTable
}

export function answerMarkers(format: OutputFormat): AnswerMarkers {
  const { reasoning, calls } = format
  const frames = format.frames.map((frame): Entry => [frame, 'frame'])
  const begin: Entry[] = reasoning === undefined ? [] : [[reasoning.begin, 'thoughts']]
  const end: Entry[] = reasoning === undefined ? [] : [[reasoning.end, 'thoughts-end']]
  const start = calls?.call.kind === 'named' ? calls.call.head.before : '{'
  const sections = calls === undefined ? [] : callEntries(calls, start)
  const body = [...frames, ...(reasoning?.anywhere === true ? begin : []), ...sections]
  const openSection = calls === undefined ? [] : openSectionEntries(calls)
  return {
    beginning: new MarkerTable([
      ...[...frames, ...begin, ...end],
      ...(calls?.bare === 'at-start' ? [[start, 'calls'] as const] : []),
    ]),
    thoughts: new MarkerTable([...end, ...(calls?.endReasoning === true ? sections : [])]),
    body: new MarkerTable(body),
    openSection: new MarkerTable([...body, ...openSection]),
  }
}

function callEntries({ section, bare }: CallFormat, start: string): Entry[] {
  const sections: Entry[] = [[section.begin, 'calls']]
  return bare === 'anywhere' ? [...sections, [start, 'calls']] : sections
}

function openSectionEntries({ section, call }: CallFormat): Entry[] {
  const end: Entry = [section.end, 'section-end']
  return call.kind === 'named' ? [end, [call.head.before, 'calls']] : [end]
}
