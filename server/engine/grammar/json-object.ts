import { classOf, complement, intersection } from './character-class.ts'
import type { Range } from './character-class.ts'
import { literal } from './grammar-writer.ts'
import type { GrammarWriter } from './grammar-writer.ts'
import { PLAIN } from './json-text.ts'

export interface Member {
  key: string
  required: boolean
  /** Expression of its value. */
  value: string
}

/** Other keys: how often, and their values' expression. */
export interface OtherMembers {
  value: string
  most: number | undefined
}

/** Between the parts of JSON: none, one, or a new line with its indentation. */
export const space = (writer: GrammarWriter): string => writer.optional('" " | "\\n" [ \\t]{0,20}')

/**
 * An object whose members stand in the order of `members`; those that need not be there may be left out.
 * Others follow, with keys of plain characters that no member has.
 */
export function objectGrammar(
  writer: GrammarWriter,
  members: readonly Member[],
  others: OtherMembers | undefined,
): string {
  const ws = space(writer)
  const keys = new Set(members.map(({ key }) => key))
  const other = others && `${otherKey(writer, keys)} ${ws} ":" ${ws} ${others.value}`
  const most = others?.most
  // From the last member on: what may follow one that is there already.
  let rest = other === undefined ? '' : writer.repeated(writer.rule(`"," ${ws} ${other}`), 0, most)
  // Ways to begin, the last member's first.
  const ways: string[] = []
  if (other !== undefined && most !== 0) {
    const more = writer.repeated(writer.rule(`"," ${ws} ${other}`), 0, most && most - 1)
    ways.push(`${other} ${more}`.trimEnd())
  }
  for (const { key, required, value } of members.toReversed()) {
    const member = `${literal(JSON.stringify(key))} ":" ${ws} ${value}`
    const begun = `${member} ${rest}`.trimEnd()
    if (required) ways.length = 0
    ways.push(writer.rule(begun))
    const next = `"," ${ws} ${begun}`
    rest = writer.rule(required ? next : `${next} | ${rest === '' ? '""' : rest}`)
  }
  const some = ways.length === 0 ? '' : `${writer.either(ways.toReversed())} ${ws}`
  const isOptional = !members.some(({ required }) => required)
  // White space stands in one place only: two that may be empty would be read in many ways.
  return `"{" ${ws} ${isOptional ? writer.optional(some) : some} "}"`
}

/** A key in quotes that is none of `keys`. Without escapes: a key must not be one of them in disguise. */
function otherKey(writer: GrammarWriter, keys: ReadonlySet<string>): string {
  const root: Node = { children: new Map(), isKey: false }
  for (const key of keys) {
    let node = root
    for (const character of key) {
      const next = node.children.get(character) ?? { children: new Map(), isKey: false }
      node.children.set(character, next)
      node = next
    }
    node.isKey = true
  }
  const plain = classOf(PLAIN) ?? ''
  return `"\\"" ${restOfKey(writer, root, `${plain}* "\\""`)}`
}

interface Node {
  children: Map<string, Node>
  /** A key ends here: this one may not. */
  isKey: boolean
}

/** What may follow what led to `node`, with the quote that ends it. */
function restOfKey(writer: GrammarWriter, node: Node, anything: string): string {
  const taken = [...node.children.keys()].map((each): Range => {
    const code = each.codePointAt(0) ?? 0
    return [code, code]
  })
  const others = classOf(intersection(PLAIN, complement(taken)))
  const ways = [...node.children]
    // A key with a character that is written as an escape is never begun here.
    .filter(([character]) => isPlain(character))
    .map(([character, next]) => `${literal(character)} ${restOfKey(writer, next, anything)}`)
  if (others !== undefined) ways.push(`${others} ${anything}`)
  if (!node.isKey) ways.push('"\\""')
  return writer.rule(ways.join(' | '))
}

const isPlain = (character: string) => {
  const code = character.codePointAt(0) ?? 0
  return PLAIN.some(([from, to]) => code >= from && code <= to)
}
