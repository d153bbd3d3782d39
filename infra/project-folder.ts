import { resolve } from 'node:path'

/** Set by our commands, whose program may run for a project that lies elsewhere. */
export const PROJECT_FOLDER = 'SERANTAU_PROJECT'

/** Folder of Pulumi.yaml and the stack files: for plain `pulumi up` that of this checkout. */
export const projectFolder = (): string =>
  process.env[PROJECT_FOLDER] ?? resolve(import.meta.dirname, '..')
