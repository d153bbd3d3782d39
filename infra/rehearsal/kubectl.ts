import { run } from '../local/command.ts'

/** The kubectl of the toolchain, as the administrator of one cluster. Fails with CommandError. */
export interface Kubectl {
  (...args: string[]): Promise<string>
  /** Server-side apply; the error has the API server's words. */
  apply(...objects: object[]): Promise<string>
  /** Server-side apply of files. */
  applyFiles(...files: string[]): Promise<string>
  /** POST of an object to a path of the API, such as a subresource. */
  create(path: string, object: object): Promise<string>
  /** What the API server would say of an object, unknown fields included; nothing is kept. */
  dryRun(object: object): Promise<string>
  /** Objects as `get` selects them, e.g. `list('pods', '--namespace=models')`. */
  list<T>(...args: string[]): Promise<T[]>
}

const APPLY = ['apply', '--server-side', '--force-conflicts', '--field-manager=serantau-rehearsal']

const DRY_RUN = ['create', '--dry-run=server', '--validate=strict']

/** `kubernetes` and `kubeconfig` are paths. */
export function kubectlOf(kubernetes: string, kubeconfig: string): Kubectl {
  const call = (args: readonly string[], input?: string) =>
    run(kubernetes, ['kubectl', '--kubeconfig', kubeconfig, ...args], {
      ...(input === undefined ? {} : { input }),
    })
  return Object.assign((...args: string[]) => call(args), {
    apply: (...items: object[]) =>
      call([...APPLY, '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items })),
    applyFiles: (...files: string[]) => call([...APPLY, ...files.flatMap((file) => ['-f', file])]),
    dryRun: (object: object) => call([...DRY_RUN, '-f', '-'], JSON.stringify(object)),
    create: (path: string, object: object) =>
      call(['create', '--raw', path, '-f', '-'], JSON.stringify(object)),
    list: async <T>(...args: string[]) => {
      const { items } = JSON.parse(await call(['get', ...args, '-o', 'json'])) as { items: T[] }
      return items
    },
  })
}
