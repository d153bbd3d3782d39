import { beforeAll, describe, expect, test } from 'vitest'
import { Grammars } from '../../server/engine/grammars.ts'
import { SchemaError } from '../../server/engine/grammar/schema-error.ts'
import type { Bindings, NativeModel } from '../../server/engine/native.ts'

/** Counts what is compiled. */
class FakeBindings {
  readonly compiled: string[] = []
  readonly AddonGrammar = class {
    readonly text: string
    constructor(text: string) {
      if (text.includes('bad')) throw new Error('Failed to parse grammar')
      this.text = text
    }
  }
  readonly AddonGrammarEvaluationState: new (...of: unknown[]) => { of: unknown[] }

  constructor() {
    const { compiled } = this
    this.AddonGrammarEvaluationState = class {
      readonly of: unknown[]
      constructor(...of: unknown[]) {
        this.of = of
        if (of.length === 2) compiled.push((of[1] as { text: string }).text)
      }
    }
  }
}

let fake: FakeBindings
let grammars: Grammars
beforeAll(() => {
  fake = new FakeBindings()
  grammars = new Grammars(fake as unknown as Bindings, {} as NativeModel)
})

const parts = (name: string) => [{ json: { const: name } }]

describe('grammars', () => {
  test('are compiled once, and each answer begins with a copy of its own', () => {
    const [a, b] = [grammars.stateFor(parts('x')), grammars.stateFor(parts('x'))]
    expect(fake.compiled).toHaveLength(1)
    expect(a).not.toBe(b)
    expect((a as unknown as { of: unknown[] }).of).toEqual((b as unknown as { of: unknown[] }).of)
  })

  test('are forgotten in the order in which they were asked for, so that memory stays bounded', () => {
    for (let name = 0; name < 32; name++) {
      grammars.stateFor(parts('x'))
      grammars.stateFor(parts(`${name}`))
    }
    const before = fake.compiled.length
    grammars.stateFor(parts('x'))
    grammars.stateFor(parts('31'))
    expect(fake.compiled).toHaveLength(before)
    grammars.stateFor(parts('0'))
    expect(fake.compiled).toHaveLength(before + 1)
  })

  test('that are longer than any real one are refused', () => {
    const long = (name: string) => [{ text: name + 'y'.repeat(2 << 20) }]
    expect(() => grammars.stateFor(long('a'))).toThrow(SchemaError)
  })

  test("that native code cannot follow are the schema's fault, by name", () => {
    expect(() => grammars.stateFor(parts('bad'))).toThrow(SchemaError)
    expect(() => grammars.stateFor(parts('bad'))).toThrow('can follow')
  })
})
