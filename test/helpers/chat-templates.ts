import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const BUNDLE = join(
  ...[import.meta.dirname, '..', '..', 'node_modules', 'node-llama-cpp', 'llama'],
  'gitRelease.bundle',
)

/** Chat templates as the makers of models publish them: those that llama.cpp's source holds, inside the npm package. */
export class ChatTemplates {
  readonly #read = new Map<string, string>()
  readonly #folder = mkdtempSync(join(tmpdir(), 'serantau-templates-'))

  constructor() {
    this.#git('clone', '--quiet', '--bare', BUNDLE, this.#folder)
  }

  /** Of all of them, without `.jinja`. */
  names(): string[] {
    return this.#list('models/templates').flatMap((name) => /^(.*)\.jinja$/.exec(name)?.[1] ?? [])
  }

  /** Of the vocabularies beside them, without `ggml-vocab-` and `.gguf`. */
  vocabularies(): string[] {
    return this.#list('models').flatMap((name) => /^ggml-vocab-(.*)\.gguf$/.exec(name)?.[1] ?? [])
  }

  /** A vocabulary as a file of its own in `folder`; returns its path. */
  vocabulary(name: string, folder: string): string {
    const path = join(folder, `${name}.gguf`)
    writeFileSync(path, this.#show(`models/ggml-vocab-${name}.gguf`))
    return path
  }

  /** Texts and their tokens by the model's own tokenizer; undefined: the source has none for it. */
  tokenized(name: string): { text: string; tokens: number[] }[] | undefined {
    const file = `ggml-vocab-${name}.gguf`
    if (!this.#list('models').includes(`${file}.inp`)) return undefined
    const read = (kind: string) => this.#show(`models/${file}.${kind}`).toString('utf8')
    const lines = read('out').replace(/\n$/, '').split('\n')
    const texts = read('inp').split('\n__ggml_vocab_test__\n').slice(0, lines.length)
    if (texts.length < lines.length) throw new Error(`${file}: more tokens than texts`)
    return texts.map((text, at) => ({
      text,
      tokens: (lines[at] ?? '').split(' ').flatMap((id) => (id === '' ? [] : [Number(id)])),
    }))
  }

  /** `name` without `.jinja`. */
  read(name: string): string {
    const known = this.#read.get(name)
    if (known !== undefined) return known
    const text = this.#show(`models/templates/${name}.jinja`).toString('utf8')
    this.#read.set(name, text)
    return text
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true })
  }

  #list(folder: string): string[] {
    return this.#git('-C', this.#folder, 'ls-tree', '--name-only', `HEAD:${folder}`)
      .toString('utf8')
      .split('\n')
  }

  #show(path: string): Buffer {
    return this.#git('-C', this.#folder, 'show', `HEAD:${path}`)
  }

  #git(...args: string[]): Buffer {
    return execFileSync('git', args, { maxBuffer: 64 * 1024 * 1024 })
  }
}
