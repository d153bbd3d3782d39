import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
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

  /** `name` without `.jinja`. */
  read(name: string): string {
    const known = this.#read.get(name)
    if (known !== undefined) return known
    const text = this.#git('-C', this.#folder, 'show', `HEAD:models/templates/${name}.jinja`)
    this.#read.set(name, text)
    return text
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true })
  }

  #git(...args: string[]): string {
    return execFileSync('git', args, { encoding: 'utf8' })
  }
}
