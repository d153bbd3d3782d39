import { z } from 'zod'
import { jsonSchemaField } from './json-schema-caps.ts'
import { isGiven } from './given.ts'

/** A function that the model may ask its client to call. */
export interface Tool {
  name: string
  description?: string
  /** JSON Schema of its arguments, an object's; absent: none are told. */
  parameters?: Readonly<Record<string, unknown>>
}

/** What the client wants of tools: none, as the model sees fit, at least one call, or a call of `name`. */
export type ToolChoice = { kind: 'none' | 'auto' | 'required' } | { kind: 'named'; name: string }

const MOST_TOOLS = 128
const NAME = /^[a-zA-Z0-9_-]{1,64}$/
const nameRule = 'a name of 1 to 64 letters, digits, "_" and "-"'
const descriptionRule = 'a string of at most 4096 characters'
const toolsRule = `a list of at most ${MOST_TOOLS} tools {"type":"function","function":{"name",...}}`

export const functionFields = {
  name: z.string(nameRule).regex(NAME, nameRule),
  description: z.string(descriptionRule).max(4096, descriptionRule).nullish(),
  parameters: jsonSchemaField.nullish(),
  strict: z.boolean('true or false').nullish(),
}
const FunctionSchema = z.object(functionFields, 'a function {"name","description","parameters"}')
type FunctionBody = z.infer<typeof FunctionSchema>

const ToolSchema = z.object(
  {
    type: z.literal('function', '"function": no other kind of tool is supported'),
    function: FunctionSchema,
  },
  'a tool {"type":"function","function":{"name",...}}',
)
export const toolsField = z.array(ToolSchema, toolsRule).max(MOST_TOOLS, toolsRule).nullish()

const choiceRule = '"none", "auto", "required", or {"type":"function","function":{"name":"..."}}'
const NamedChoiceSchema = z.object(
  {
    type: z.literal('function', choiceRule),
    function: z.object({ name: z.string(choiceRule) }, choiceRule),
  },
  choiceRule,
)
export const toolChoiceField = z
  .union([z.enum(['none', 'auto', 'required'], choiceRule), NamedChoiceSchema], choiceRule)
  .nullish()

export function toolOf({ name, description, parameters }: FunctionBody): Tool {
  return {
    name,
    ...(isGiven(description) ? { description } : {}),
    ...(isGiven(parameters) ? { parameters } : {}),
  }
}

export type ToolsBody = z.infer<typeof toolsField>
export type ToolChoiceBody = z.infer<typeof toolChoiceField>

export function toolChoiceOf(choice: ToolChoiceBody, tools: readonly Tool[]): ToolChoice {
  if (tools.length === 0) return { kind: 'none' }
  if (!isGiven(choice)) return { kind: 'auto' }
  return typeof choice === 'string'
    ? { kind: choice }
    : { kind: 'named', name: choice.function.name }
}
