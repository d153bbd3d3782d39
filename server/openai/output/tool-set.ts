import type { Tool } from './tool.ts'
import { ValueSchema } from './value-schema.ts'

/** The tools that an answer may call. */
export class ToolSet {
  /** The longest first, so that none is taken for another that it begins with. */
  readonly names: readonly string[]
  readonly #tools: ReadonlyMap<string, Tool>

  constructor(tools: readonly Tool[]) {
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]))
    this.names = [...this.#tools.keys()].sort((a, b) => b.length - a.length)
  }

  argumentsOf(name: string): ValueSchema {
    return new ValueSchema(this.#tools.get(name)?.parameters)
  }
}
