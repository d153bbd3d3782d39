import { spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { KitError } from '../../../catalog/errors.ts'
import { archiveDigest } from './oci-archive.ts'
import { type Sandbox, insideArgs, runInside } from './sandbox.ts'

const CTR = ['--namespace=k8s.io', 'images']

/** Puts the image of an OCI archive into the node as `name@sha256:<manifest>`; no-op when it is there. */
export async function importInto(sandbox: Sandbox, archive: string, name: string): Promise<string> {
  const reference = `${name}@${await archiveDigest(archive)}`
  if (await hasImage(sandbox, reference)) return reference
  await importArchive(sandbox, archive, name)
  if (!(await hasImage(sandbox, reference))) throw importFailed(archive, `no image ${reference}`)
  return reference
}

async function hasImage(sandbox: Sandbox, reference: string): Promise<boolean> {
  const listed = await runInside(sandbox, 'ctr', [...CTR, 'list', '--quiet', `name==${reference}`])
  return listed.trim() === reference
}

/** The archive comes as an open file: its path may lie where the node's mounts do not reach. */
async function importArchive(sandbox: Sandbox, archive: string, name: string): Promise<void> {
  const file = await open(archive)
  try {
    const args = [...CTR, 'import', '--digests', `--base-name=${name}`, '-']
    const child = spawn('nsenter', insideArgs(sandbox, 'ctr', args), {
      stdio: [file.fd, 'ignore', 'pipe'],
    })
    let errors = ''
    child.stderr?.on('data', (chunk) => (errors += String(chunk)))
    const status = await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (status !== 0) throw importFailed(archive, errors.trim().slice(-500))
  } finally {
    await file.close()
  }
}

function importFailed(archive: string, got: string): KitError {
  return new KitError('CLUSTER_START_FAILED', {
    path: archive,
    expected: 'an OCI archive with one image that the container runtime takes',
    got,
    fix: 'remove the archive so that it is made again, and check the free disk space',
  })
}
