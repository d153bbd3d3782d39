import { rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PROJECT } from '../../../infra/local/image/app-files.ts'
import { writeJavaScript } from '../../../infra/local/image/javascript.ts'

/** Our server as an image carries it, made anew in `folder`; returns its program. */
export async function buildApp(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true })
  await writeJavaScript(folder)
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n')
  await symlink(join(PROJECT, 'node_modules'), join(folder, 'node_modules'))
  return join(folder, 'server', 'main.js')
}
