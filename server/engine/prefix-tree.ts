/**
 * Which slot or saved state holds which tokens: a radix tree for each boundary, so that the longest
 * prefix held anywhere is found in one walk over the prompt.
 *
 * Each node knows all holders whose tokens run through it. A node is cut where holders part or end,
 * and nowhere else: holders leave it together. So the tail of a holder that grows by itself is a leaf
 * of its own, and decoded tokens are indexed at once by appending to it. (Indexing them only when the
 * request ends would be no cheaper, and a second question about a running answer would miss it.)
 */
import type { Boundary } from './boundary.ts'
import { TokenRun } from './token-run.ts'
import type { Tokens } from './token-run.ts'

interface TreeNode<Holder> {
  /** Empty only in the root. */
  run: TokenRun
  /** Tokens before this node's first. */
  start: number
  parent: TreeNode<Holder> | undefined
  readonly holders: Set<Holder>
  children: Map<number, TreeNode<Holder>>
}

interface Held<Holder> {
  boundary: Boundary
  /** The node whose last token is the holder's last. */
  end: TreeNode<Holder>
  /** It cannot be trimmed to fewer tokens than these (but can be cleared): see trim-floor.ts. */
  floor: number
}

export interface Match<Holder> {
  holder: Holder
  /** Tokens in common with what was asked for; at least 1. */
  length: number
}

export interface LongestOptions<Holder> {
  /** Holders that may serve; absent: all. */
  among?: (holder: Holder) => boolean
  /** Of several with an equal length the first in this order; absent: any. */
  prefer?: (a: Holder, b: Holder) => number
}

export class PrefixTree<Holder> {
  readonly #roots = new Map<Boundary, TreeNode<Holder>>()
  readonly #held = new Map<Holder, Held<Holder>>()

  /**
   * Replaces what `holder` held. No tokens: it is known under the boundary and matches nothing.
   * With a `floor` it serves only prompts that share at least so many tokens.
   */
  set(holder: Holder, boundary: Boundary, tokens: Tokens, floor = 0): void {
    this.delete(holder)
    let root = this.#roots.get(boundary)
    if (root === undefined) {
      root = newNode<Holder>(new TokenRun([]), 0, undefined)
      this.#roots.set(boundary, root)
    }
    root.holders.add(holder)
    this.#held.set(holder, { boundary, end: this.#insert(holder, root, tokens), floor })
  }

  /** Appends to what `holder` holds, in O(appended). Throws for an unknown holder. */
  extend(holder: Holder, tokens: Tokens): void {
    const held = this.#of(holder)
    const { end } = held
    if (end.parent !== undefined && end.holders.size === 1) {
      end.run.append(tokens)
      return
    }
    held.end = this.#insert(holder, end, tokens)
    // The holder no longer ends at `end`: if nobody parts there either, the cut is gone.
    this.#joinWithChild(end)
  }

  /** Keeps the first `length` tokens of what `holder` holds. Throws for an unknown one, or below its floor. */
  truncate(holder: Holder, length: number): void {
    const held = this.#of(holder)
    if (length > 0 && length < held.floor) throw new Error('trimmed below its floor')
    if (length === 0) held.floor = 0
    let lowest: TreeNode<Holder> | undefined
    let node = held.end
    while (node.parent !== undefined && node.start >= length) {
      node.holders.delete(holder)
      if (node.holders.size === 0) node.parent.children.delete(node.run.first)
      else lowest ??= node
      node = node.parent
    }
    if (endOf(node) > length && node.holders.size === 1) {
      node.run.truncate(length - node.start)
    } else if (endOf(node) > length) {
      const upper = this.#cut(node, length - node.start)
      node.holders.delete(holder)
      lowest ??= node
      node = upper
    }
    held.end = node
    // Only there can the holders of a node and of its one child have become the same.
    if (lowest !== undefined) this.#joinWithChild(lowest)
  }

  /** Forgets `holder`; what nobody else holds is freed. Unknown holders are ignored. */
  delete(holder: Holder): void {
    const held = this.#held.get(holder)
    if (held === undefined) return
    this.truncate(holder, 0)
    this.#held.delete(holder)
    held.end.holders.delete(holder)
    if (held.end.holders.size === 0) this.#roots.delete(held.boundary)
  }

  /** The longest common prefix of `tokens` with anything held under `boundary`. */
  longest(
    boundary: Boundary,
    tokens: Tokens,
    { among = () => true, prefer = () => 0 }: LongestOptions<Holder> = {},
  ): Match<Holder> | undefined {
    for (const { node, length } of this.#walk(boundary, tokens).reverse()) {
      let best: Match<Holder> | undefined
      for (const holder of node.holders) {
        if (length < this.floorOf(holder) || !among(holder)) continue
        if (best === undefined || prefer(holder, best.holder) < 0) best = { holder, length }
      }
      if (best !== undefined) return best
    }
    return undefined
  }

  /** Holders of at least one token, all of whose tokens `tokens` begins with. */
  within(boundary: Boundary, tokens: Tokens): Holder[] {
    return this.#walk(boundary, tokens)
      .filter(({ node, length }) => length === endOf(node))
      .flatMap(({ node }) => [...node.holders].filter((holder) => this.#of(holder).end === node))
  }

  has(holder: Holder): boolean {
    return this.#held.has(holder)
  }

  /** Tokens that `holder` holds; 0 when it is unknown. */
  lengthOf(holder: Holder): number {
    const held = this.#held.get(holder)
    return held === undefined ? 0 : endOf(held.end)
  }

  /** What a copy of `holder` is set with: a copy misses what its source misses. */
  floorOf(holder: Holder): number {
    return this.#held.get(holder)?.floor ?? 0
  }

  /** What a copy must compare once more before it copies; undefined when it is unknown. */
  boundaryOf(holder: Holder): Boundary | undefined {
    return this.#held.get(holder)?.boundary
  }

  holders(boundary: Boundary): Holder[] {
    return [...(this.#roots.get(boundary)?.holders ?? [])]
  }

  /** What is kept, shared tokens counted once. Walks the whole tree. */
  size(): { boundaries: number; nodes: number; tokens: number } {
    let nodes = 0
    let tokens = 0
    const open = [...this.#roots.values()]
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      nodes++
      tokens += node.run.length
      open.push(...node.children.values())
    }
    return { boundaries: this.#roots.size, nodes, tokens }
  }

  #of(holder: Holder): Held<Holder> {
    const held = this.#held.get(holder)
    if (held === undefined) throw new Error('unknown holder')
    return held
  }

  /** The nodes that `tokens` runs through, the root left out, each with the tokens matched up to its end. */
  #walk(boundary: Boundary, tokens: Tokens): { node: TreeNode<Holder>; length: number }[] {
    const path: { node: TreeNode<Holder>; length: number }[] = []
    let node = this.#roots.get(boundary)
    let length = 0
    while (node !== undefined && length === endOf(node) && length < tokens.length) {
      node = node.children.get(tokens[length] ?? -1)
      if (node === undefined) break
      length += node.run.common(tokens, length)
      path.push({ node, length })
    }
    return path
  }

  /** Enters `tokens` below `from` and returns the node that ends with the last of them. */
  #insert(holder: Holder, from: TreeNode<Holder>, tokens: Tokens): TreeNode<Holder> {
    let node = from
    let at = 0
    while (at < tokens.length) {
      const child = node.children.get(tokens[at] ?? -1)
      if (child === undefined) {
        const leaf = newNode(new TokenRun(tokens, at), endOf(node), node)
        leaf.holders.add(holder)
        node.children.set(leaf.run.first, leaf)
        return leaf
      }
      const same = child.run.common(tokens, at)
      node = same < child.run.length ? this.#cut(child, same) : child
      node.holders.add(holder)
      at += same
    }
    return node
  }

  /** Puts the first `at` tokens of `node` into a node of their own above it, which is returned. */
  #cut(node: TreeNode<Holder>, at: number): TreeNode<Holder> {
    const upper = newNode(new TokenRun(node.run.view(), 0, at), node.start, node.parent)
    for (const holder of node.holders) upper.holders.add(holder)
    node.parent?.children.set(upper.run.first, upper)
    node.run = new TokenRun(node.run.view(), at)
    node.start += at
    node.parent = upper
    upper.children.set(node.run.first, node)
    return upper
  }

  /** Takes in the only child of `node` when no holder parts from it or ends at `node`. */
  #joinWithChild(node: TreeNode<Holder>): void {
    const [child] = node.children.values()
    if (node.parent === undefined || child === undefined) return
    if (node.children.size > 1 || child.holders.size !== node.holders.size) return
    node.run.append(child.run.view())
    node.children = child.children
    for (const grandchild of node.children.values()) grandchild.parent = node
    for (const holder of child.holders) {
      const held = this.#held.get(holder)
      if (held?.end === child) held.end = node
    }
  }
}

function newNode<Holder>(
  run: TokenRun,
  start: number,
  parent: TreeNode<Holder> | undefined,
): TreeNode<Holder> {
  return { run, start, parent, holders: new Set(), children: new Map() }
}

const endOf = (node: TreeNode<unknown>) => node.start + node.run.length
