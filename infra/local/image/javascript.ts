import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { appFiles } from './app-files.ts'

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2024,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
  removeComments: true,
}

/**
 * The same files as JavaScript, by path: Node strips types too, but at every start and in every process,
 * which took a fifth of the time to the first token (docs/decisions/0010-javascript-in-the-image.md).
 */
export function toJavaScript(files: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  return new Map(
    [...files].map(([path, content]) => {
      const { outputText } = ts.transpileModule(content.toString(), { compilerOptions: OPTIONS })
      return [path.replace(/\.ts$/, '.js'), Buffer.from(outputText)]
    }),
  )
}

/** Writes what a pod runs, as JavaScript, into `folder`. */
export async function writeJavaScript(folder: string): Promise<void> {
  for (const [path, content] of toJavaScript(await appFiles())) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
}

// In server/Dockerfile: `node infra/local/image/javascript.ts FOLDER`.
if (import.meta.main) await writeJavaScript(process.argv[2] ?? 'app')
