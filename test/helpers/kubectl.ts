import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ensureTool } from '../../infra/local/toolchain.ts'

/** Runs the kubectl of the embedded cluster's own toolchain and returns what it prints. */
export async function kubectl(...args: string[]): Promise<string> {
  const kubernetes = await ensureTool('kubernetes', () => undefined)
  const options = { maxBuffer: 2 ** 26 }
  return (await promisify(execFile)(kubernetes, ['kubectl', ...args], options)).stdout
}
