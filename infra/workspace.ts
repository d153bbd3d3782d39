import { mkdir, rename, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { LocalWorkspace, PulumiCommand, type Stack } from '@pulumi/pulumi/automation/index.js'
import type { StackFile } from '../catalog/index.ts'
import deploy from './index.ts'
import { cacheFolder } from './local/paths.ts'
import { installedProvider, installOfflineProvider } from './local/provider/install.ts'
import { ensureTool } from './local/toolchain.ts'
import { ensurePassphrase } from './passphrase.ts'
import { PROJECT_FOLDER } from './project-folder.ts'
import type { Report } from './progress.ts'
import { stateBackend } from './state-backend.ts'

export interface WorkspaceArgs {
  /** Folder of Pulumi.yaml and the stack files. */
  project: string
  stackName: string
  stackFile: StackFile
  /** Render without contacting a cluster. */
  renderOnly?: boolean
}

/** The stack, ready for `up`, `preview` and `destroy` through the Automation API. */
export async function openStack(args: WorkspaceArgs, report: Report): Promise<Stack> {
  const { project, stackName } = args
  const pulumi = await ensureTool('pulumi', report)
  const env = await environment(args, report)
  // The program runs in this process: it must see the same render-only switch as the provider.
  Object.assign(process.env, {
    SERANTAU_RENDER_ONLY: args.renderOnly ? '1' : '0',
    [PROJECT_FOLDER]: resolve(project),
  })
  return LocalWorkspace.createOrSelectStack(
    { stackName, projectName: 'serantau', program: deploy },
    {
      workDir: project,
      pulumiHome: env['PULUMI_HOME'],
      envVars: env,
      pulumiCommand: await PulumiCommand.get({ root: await installationOf(pulumi) }),
    },
  )
}

/** The Automation API takes a folder that holds `bin/pulumi`, as the official installer lays it. */
async function installationOf(executable: string): Promise<string> {
  const parent = dirname(executable)
  if (basename(parent) === 'bin') return dirname(parent)
  const root = join(cacheFolder(), 'pulumi-cli', basename(parent))
  await mkdir(join(root, 'bin'), { recursive: true })
  const link = join(root, 'bin', 'pulumi')
  await symlink(executable, `${link}.${process.pid}`)
  await rename(`${link}.${process.pid}`, link)
  return root
}

async function environment(args: WorkspaceArgs, report: Report): Promise<Record<string, string>> {
  const env: Record<string, string> = {
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: 'true',
    SERANTAU_RENDER_ONLY: args.renderOnly ? '1' : '0',
    PULUMI_BACKEND_URL: await stateBackend(args.project),
  }
  if (!process.env['PULUMI_CONFIG_PASSPHRASE'] && !process.env['PULUMI_CONFIG_PASSPHRASE_FILE']) {
    env['PULUMI_CONFIG_PASSPHRASE'] = await ensurePassphrase()
  }
  if (await usesOfflineProvider(args.stackFile)) {
    const home = join(cacheFolder(), 'pulumi-home')
    await installOfflineProvider(home)
    env['PULUMI_HOME'] = home
    env['PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION'] = 'true'
    env['SERANTAU_HELM'] = await ensureTool('helm', report)
  }
  return env
}

/**
 * The stack file's word decides. Without it, `existing` clusters get the official provider and the
 * embedded one gets it when it is installed, so that nothing is fetched to start it.
 */
export async function usesOfflineProvider(stackFile: StackFile): Promise<boolean> {
  if (stackFile.provider !== undefined) return stackFile.provider === 'offline'
  if (stackFile.cluster.kind === 'existing') return false
  const home = process.env['PULUMI_HOME'] ?? join(homedir(), '.pulumi')
  return (await installedProvider(home)) !== 'official'
}
