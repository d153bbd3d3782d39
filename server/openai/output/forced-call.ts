import { bracedObject } from './forced-braced.ts'
import { choice, joined } from './forced-part.ts'
import type { ForcedPart } from './forced-part.ts'
import { headParts, taggedMembers } from './forced-tagged.ts'
import type { CallFormat, NamedCall, OutputFormat } from './output-format.ts'
import type { JsonSchema, Tool } from './tool.ts'
import { TEXT_ONLY, ValueSchema } from './value-schema.ts'

export interface ForcedOptions {
  /** Those of which one must be called; at least one. */
  readonly tools: readonly Tool[]
  /** Further calls may follow the first. */
  readonly parallel: boolean
  /** The prompt ended within reasoning, which may come to its end first. */
  readonly insideReasoning: boolean
}

/** As OpenAI reads a tool without parameters. */
const NO_PARAMETERS: JsonSchema = { type: 'object', properties: {}, additionalProperties: false }

/**
 * What an answer must be so that it calls a tool (`tool_choice`: "required", or a tool's name), in the
 * family's own form and as `OutputParser` reads it. Undefined: the family has no form of calls.
 */
export function forcedCalls(
  format: OutputFormat,
  options: ForcedOptions,
): readonly ForcedPart[] | undefined {
  const { calls } = format
  if (calls === undefined) return undefined
  return joined([...partsBefore(format, options.insideReasoning), ...callParts(calls, options)])
}

/** The rest of thoughts, and content without any. */
function partsBefore({ reasoning, content }: OutputFormat, insideReasoning: boolean): ForcedPart[] {
  const contentEnd = { text: content?.end ?? '' }
  if (!insideReasoning || reasoning === undefined) return [contentEnd]
  const end = reasoning.end.trimStart()
  return [{ textBefore: end.trimEnd() }, { text: end + (content?.begin ?? '') }, contentEnd]
}

function callParts(format: CallFormat, { tools, parallel }: ForcedOptions): ForcedPart[] {
  const { section, between, perSection } = format
  const call = choice(tools.map((tool) => callOf(format, tool)))
  const further = (parts: readonly ForcedPart[]) =>
    parallel ? [{ repeat: joined([{ text: between }, ...parts]) }] : []
  const begin = { text: section.begin.trimStart() }
  const end = { text: section.end }
  if (perSection === 'many') return [begin, ...call, ...further(call), end]
  return [begin, ...call, end, ...further([{ text: section.begin }, ...call, end])]
}

function callOf({ call }: CallFormat, tool: Tool): ForcedPart[] {
  if (call.kind === 'named') return namedCall(call, tool)
  const begin = `{"name": ${JSON.stringify(tool.name)}, "${call.argumentsKey}": `
  return [{ text: begin }, { json: tool.parameters ?? NO_PARAMETERS }, { text: '}' }]
}

function namedCall({ head, arguments: style, ends }: NamedCall, tool: Tool): ForcedPart[] {
  const begin = headParts(head, tool.name, TEXT_ONLY)
  const end = { text: ends.join('') }
  const schema = new ValueSchema(tool.parameters)
  switch (style.kind) {
    case 'json':
      return [...begin, { json: tool.parameters ?? NO_PARAMETERS }, end]
    case 'braced':
      return [...begin, ...bracedObject(schema, style.quote), end]
    case 'tagged':
      return [...begin, ...taggedMembers(schema, style), end]
  }
}
