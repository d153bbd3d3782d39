import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROJECT } from '../../../infra/local/image/app-files.ts'
import { writeJavaScript } from '../../../infra/local/image/javascript.ts'

const PACKAGES = join(PROJECT, 'node_modules')
const ENGINE = 'node-llama-cpp'

/** Our server as an image carries it, made anew in `folder`; returns its program. */
export async function buildApp(folder: string, engine: 'compiled' | 'prebuilt'): Promise<string> {
  await rm(folder, { recursive: true, force: true })
  await writeJavaScript(folder)
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n')
  const packages = join(folder, 'node_modules')
  if (engine === 'compiled') await symlink(PACKAGES, packages)
  else await withoutCompiled(packages)
  return join(folder, 'server', 'main.js')
}

/** The server looks for a compiled engine in this folder: without it, the prebuilt one serves. */
async function withoutCompiled(packages: string): Promise<void> {
  await mkdir(join(packages, ENGINE), { recursive: true })
  for (const name of await readdir(PACKAGES)) {
    if (name !== ENGINE) await symlink(join(PACKAGES, name), join(packages, name))
  }
  for (const name of ['package.json', 'dist']) {
    await symlink(join(PACKAGES, ENGINE, name), join(packages, ENGINE, name))
  }
}
