import { createHash } from 'node:crypto'
import { KitError } from '../../catalog/errors.ts'
import type { Problem } from '../../catalog/errors.ts'
import { withFile } from './byte-source.ts'
import { checkModel } from './check-model.ts'
import { requireFile } from './model-file.ts'
import { factsOf } from './model-facts.ts'
import type { ModelFacts } from './model-facts.ts'
import { printable } from './problems.ts'
import { readGguf } from './read-gguf.ts'
import type { Gguf } from './read-gguf.ts'

/** Why a file is not served. */
export interface Refusal {
  code: KitError['code']
  exitCode: number
  problems: readonly Problem[]
}

/** Texts out of the file are short and without control characters. */
export interface SeenModel extends Omit<ModelFacts, 'chatTemplate'> {
  version: number
  chatTemplate: { bytes: number; sha256: string } | undefined
}

export interface Inspection {
  file: string
  /** Of the whole file. */
  bytes: number
  /** undefined: it cannot be read as GGUF. */
  model: SeenModel | undefined
  /** undefined: it can be served. */
  refusal: Refusal | undefined
}

const SHOWN = 200

/** What a file says of itself, and whether it can be served. Throws KitError WEIGHTS_UNAVAILABLE if it is no file. */
export function inspectModel(path: string): Inspection {
  requireFile(path)
  return withFile(path, (source) => {
    let model: SeenModel | undefined
    const refusal = refusalOf(() => {
      const gguf = readGguf(source, path)
      model = seenOf(gguf)
      checkModel(gguf, source)
    })
    return { file: path, bytes: source.size, model, refusal }
  })
}

function refusalOf(check: () => void): Refusal | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (!(error instanceof KitError)) throw error
    const { code, exitCode, problems } = error
    return { code, exitCode, problems }
  }
}

function seenOf(gguf: Gguf): SeenModel {
  const { chatTemplate, architecture, name, licence, ...facts } = factsOf(gguf)
  const clean = (text: string | undefined) => text && printable(text, SHOWN)
  return {
    version: gguf.version,
    architecture: clean(architecture),
    name: clean(name),
    licence: clean(licence),
    ...facts,
    chatTemplate: chatTemplate === undefined ? undefined : digested(chatTemplate),
  }
}

const digested = (text: string) => ({
  bytes: Buffer.byteLength(text),
  sha256: createHash('sha256').update(text).digest('hex'),
})
