import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OFFLINE_PROVIDER_VERSION } from './provider-version.ts'

/** Marks a plugin folder as ours: the official one is never overwritten. */
const MARK = '# offline provider of serantau'

/** Folder in which the engine looks for the plugin. */
export const pluginFolder = (pulumiHome: string): string =>
  join(pulumiHome, 'plugins', `resource-kubernetes-v${OFFLINE_PROVIDER_VERSION}`)

const executableIn = (pulumiHome: string): string =>
  join(pluginFolder(pulumiHome), 'pulumi-resource-kubernetes')

/** What stands in the plugin folder of the SDK's version. */
export async function installedProvider(
  pulumiHome: string,
): Promise<'official' | 'offline' | undefined> {
  const content = await readFile(executableIn(pulumiHome)).catch(() => undefined)
  if (!content) return undefined
  return content.subarray(0, 512).includes(MARK) ? 'offline' : 'official'
}

/**
 * Puts the offline provider where the engine finds it. A second call changes nothing; the official
 * provider, when it is there, must stand in another PULUMI_HOME and is refused here.
 */
export async function installOfflineProvider(pulumiHome: string): Promise<void> {
  const path = executableIn(pulumiHome)
  if ((await installedProvider(pulumiHome)) === 'official') {
    throw new Error(
      `${path} is the official provider: it is not overwritten. Use another PULUMI_HOME for the offline one`,
    )
  }
  const wanted = launcher()
  const present = await readFile(path, 'utf8').catch(() => '')
  if (present === wanted) return
  await mkdir(pluginFolder(pulumiHome), { recursive: true })
  const temporary = `${path}.${process.pid}`
  await writeFile(temporary, wanted)
  await chmod(temporary, 0o755)
  await rename(temporary, path)
}

function launcher(): string {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const quote = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`
  return `#!/bin/sh\n${MARK}\nexec ${quote(process.execPath)} --disable-warning=ExperimentalWarning ${quote(main)} "$@"\n`
}
