import { readFileSync, realpathSync, statSync } from 'node:fs'
import { resolve, sep } from 'node:path'
import {
  formatPath,
  KitError,
  MOST_SYSTEM_PROMPT_BYTES,
  MOST_SYSTEM_PROMPT_CHARACTERS,
  type Problem,
  type ResolvedModel,
  type StackFile,
} from '../../catalog/index.ts'

/** Throws for the first model whose system prompts cannot be used; before anything is started. */
export function checkSystemPrompts(
  project: string,
  stack: StackFile,
  models: readonly ResolvedModel[],
): void {
  for (const model of models) readSystemPrompts(project, stack, model)
}

/**
 * Texts of the files that the stack file lists for `model`, without final line breaks, which editors
 * add and clients do not send. Throws STACK_FILE_INVALID and names every file that cannot be used.
 */
export function readSystemPrompts(
  project: string,
  stack: StackFile,
  { choice }: ResolvedModel,
): string[] {
  const model = stack.models.findIndex(({ id }) => id === choice.id)
  const problems: Problem[] = []
  const texts = choice.systemPrompts.map((file, index) => {
    const read = readPrompt(project, file)
    if (typeof read === 'string') return read
    problems.push({ path: formatPath(['models', model, 'systemPrompts', index]), ...read })
    return ''
  })
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (bytes > MOST_SYSTEM_PROMPT_BYTES) {
    problems.push({
      path: formatPath(['models', model, 'systemPrompts']),
      expected: `at most ${MOST_SYSTEM_PROMPT_BYTES} bytes together: they lie in a ConfigMap`,
      got: `${bytes} bytes`,
      fix: 'shorten them, or list fewer',
    })
  }
  if (problems.length > 0) throw new KitError('STACK_FILE_INVALID', problems)
  return texts
}

function readPrompt(project: string, file: string): string | Omit<Problem, 'path'> {
  const path = resolve(project, file)
  const refuse = (got: string, fix: string) => ({
    expected: `a file of at most ${MOST_SYSTEM_PROMPT_CHARACTERS} bytes of UTF-8 text in ${project}`,
    got,
    fix,
  })
  const correct = 'correct the path: it is taken from the folder of the stack file'
  try {
    // A link could lead out of the folder, to a secret.
    if (!realpathSync(path).startsWith(realpathSync(project) + sep)) {
      return refuse(`a link out of it at ${file}`, 'copy the file into the folder')
    }
    const { size } = statSync(path)
    if (size > MOST_SYSTEM_PROMPT_CHARACTERS) return refuse(`${size} bytes`, 'shorten the text')
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
    const trimmed = text.replace(/[\r\n]+$/, '')
    return trimmed === '' ? refuse('no text', 'write the system prompt into it') : trimmed
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return refuse(`nothing at ${file}`, correct)
    if (code === 'EISDIR') return refuse(`a folder at ${file}`, correct)
    if (error instanceof TypeError) return refuse('other bytes', 'save it as UTF-8')
    return refuse(code ?? 'a file that cannot be read', 'let your user read it')
  }
}
