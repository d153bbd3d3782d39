/** Draws texts at random from a grammar in llama.cpp's notation: as much of it as the engine writes. */

type Node =
  | { kind: 'text'; text: string }
  | { kind: 'class'; ranges: readonly (readonly [number, number])[]; negated: boolean }
  | { kind: 'rule'; name: string }
  | { kind: 'sequence'; parts: readonly Node[] }
  | { kind: 'either'; ways: readonly Node[] }
  | { kind: 'repeated'; node: Node; least: number; most: number }

export type Random = () => number

/** Rules by name. Throws where the notation is another one. */
export function parseGbnf(grammar: string): ReadonlyMap<string, Node> {
  const rules = new Map<string, Node>()
  for (const line of grammar.split('\n')) {
    const found = /^([a-z0-9-]+) ::= (.*)$/.exec(line)
    if (found === null) throw new Error(`no rule: ${line}`)
    const reader = new Reader(found[2] ?? '')
    rules.set(found[1] ?? '', reader.whole())
  }
  return rules
}

/** Beyond this depth the shortest way out is taken. */
const DEPTH = 12

export function sampleGbnf(rules: ReadonlyMap<string, Node>, random: Random): string {
  const cost = shortest(rules)
  const draw = (node: Node, depth: number): string => {
    switch (node.kind) {
      case 'text':
        return node.text
      case 'class':
        return character(node, random)
      case 'rule':
        return draw(rules.get(node.name)!, depth + 1)
      case 'sequence':
        return node.parts.map((part) => draw(part, depth)).join('')
      case 'either': {
        const ways =
          depth > DEPTH ? [node.ways.reduce((a, b) => (cost(b) < cost(a) ? b : a))] : node.ways
        return draw(ways[Math.floor(random() * ways.length)]!, depth)
      }
      case 'repeated': {
        const spread = Math.min(node.most - node.least, depth > DEPTH ? 0 : 4)
        const times = node.least + Math.floor(random() * (spread + 1))
        return Array.from({ length: times }, () => draw(node.node, depth + 1)).join('')
      }
    }
  }
  return draw(rules.get('root')!, 0)
}

function character({ ranges, negated }: Extract<Node, { kind: 'class' }>, random: Random): string {
  if (!negated) {
    const [from, to] = ranges[Math.floor(random() * ranges.length)]!
    return String.fromCodePoint(from + Math.floor(random() * Math.min(to - from + 1, 200)))
  }
  for (;;) {
    const code = Math.floor(random() * 0x250)
    if (!ranges.some(([from, to]) => code >= from && code <= to)) return String.fromCodePoint(code)
  }
}

/** Rules that each node's shortest text goes through. */
function shortest(rules: ReadonlyMap<string, Node>): (node: Node) => number {
  const known = new Map([...rules.keys()].map((name) => [name, Infinity]))
  const cost = (node: Node): number => {
    switch (node.kind) {
      case 'text':
      case 'class':
        return 1
      case 'rule':
        return 1 + (known.get(node.name) ?? Infinity)
      case 'sequence':
        return node.parts.reduce((sum, part) => sum + cost(part), 0)
      case 'either':
        return Math.min(...node.ways.map(cost))
      case 'repeated':
        return node.least === 0 ? 0 : node.least * cost(node.node)
    }
  }
  for (let changed = true; changed;) {
    changed = false
    for (const [name, node] of rules) {
      const found = cost(node)
      if (found < (known.get(name) ?? Infinity)) {
        known.set(name, found)
        changed = true
      }
    }
  }
  return cost
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): Node {
    const node = this.#either()
    if (this.#at < this.#text.length) throw new Error(`not read: ${this.#text.slice(this.#at)}`)
    return node
  }

  #either(): Node {
    const ways = [this.#sequence()]
    while (this.#take('|')) ways.push(this.#sequence())
    return ways.length === 1 ? ways[0]! : { kind: 'either', ways }
  }

  #sequence(): Node {
    const parts: Node[] = []
    for (
      this.#skip();
      this.#at < this.#text.length && !'|)'.includes(this.#text[this.#at]!);
      this.#skip()
    ) {
      parts.push(this.#repeated(this.#atom()))
    }
    return { kind: 'sequence', parts }
  }

  #atom(): Node {
    if (this.#take('(')) {
      const inside = this.#either()
      if (!this.#take(')')) throw new Error('no ")"')
      return inside
    }
    if (this.#text[this.#at] === '"') return this.#literal()
    if (this.#text[this.#at] === '[') return this.#class()
    const name = /^[a-z0-9-]+/.exec(this.#text.slice(this.#at))?.[0]
    if (name === undefined) throw new Error(`no atom: ${this.#text.slice(this.#at)}`)
    this.#at += name.length
    return { kind: 'rule', name }
  }

  #repeated(node: Node): Node {
    const rest = this.#text.slice(this.#at)
    const found = /^(?:([*+?])|\{(\d+)(,)?(\d+)?\})/.exec(rest)
    if (found === null) return node
    this.#at += found[0].length
    const [, sign, least, comma, most] = found
    if (sign !== undefined) {
      return {
        kind: 'repeated',
        node,
        least: sign === '+' ? 1 : 0,
        most: sign === '?' ? 1 : Infinity,
      }
    }
    const end = comma === undefined ? Number(least) : most === undefined ? Infinity : Number(most)
    return { kind: 'repeated', node, least: Number(least), most: end }
  }

  #literal(): Node {
    this.#at++
    let text = ''
    while (this.#text[this.#at] !== '"') text += String.fromCodePoint(this.#code())
    this.#at++
    return { kind: 'text', text }
  }

  #class(): Node {
    this.#at++
    const negated = this.#text[this.#at] === '^'
    if (negated) this.#at++
    const ranges: [number, number][] = []
    while (this.#text[this.#at] !== ']') {
      const from = this.#code()
      const isRange = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']'
      if (isRange) this.#at++
      ranges.push([from, isRange ? this.#code() : from])
    }
    this.#at++
    return { kind: 'class', ranges, negated }
  }

  #code(): number {
    const character = String.fromCodePoint(this.#text.codePointAt(this.#at)!)
    this.#at += character.length
    if (character !== '\\') return character.codePointAt(0)!
    const kind = this.#text[this.#at++]!
    const digits = { x: 2, u: 4, U: 8 }[kind]
    if (digits === undefined) return { n: 10, r: 13, t: 9 }[kind] ?? kind.charCodeAt(0)
    const hex = this.#text.slice(this.#at, this.#at + digits)
    this.#at += digits
    return Number.parseInt(hex, 16)
  }

  #take(character: string): boolean {
    this.#skip()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #skip(): void {
    while (this.#text[this.#at] === ' ') this.#at++
  }
}
