import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { stateFolder } from './local/paths.ts'

/**
 * Where Pulumi keeps its state: what the environment or Pulumi.yaml say; else files in the state
 * folder, on this machine.
 *
 * Pulumi renames a whole state file into place, but writes a sidecar `<file>.attrs` beside it in
 * steps, and reads neither without the other: a process that dies between the steps leaves an empty
 * sidecar, and every later command ends with "failed to load checkpoint: EOF". The sidecar holds
 * nothing that Pulumi needs, so for files it is left out.
 */
export async function stateBackend(project: string): Promise<string> {
  const fromEnvironment = process.env['PULUMI_BACKEND_URL']
  if (fromEnvironment) return withoutSidecars(fromEnvironment)
  const settings = parse(await readFile(join(project, 'Pulumi.yaml'), 'utf8')) as {
    backend?: { url?: string }
  }
  if (settings.backend?.url) return withoutSidecars(settings.backend.url)
  const folder = join(stateFolder(), 'pulumi')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await removeSidecars(folder)
  return withoutSidecars(`file://${folder}`)
}

/** `metadata=skip` is read by Go's `gocloud.dev/blob/fileblob`, which Pulumi hands the URL to. */
function withoutSidecars(url: string): string {
  if (!url.startsWith('file://') || /[?&]metadata=/.test(url)) return url
  return `${url}${url.includes('?') ? '&' : '?'}metadata=skip`
}

/** Those of earlier commands, of which one may be empty. */
async function removeSidecars(folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true })
  const sidecars = names.filter((name) => name.endsWith('.attrs'))
  await Promise.all(sidecars.map((name) => rm(join(folder, name), { force: true })))
}
