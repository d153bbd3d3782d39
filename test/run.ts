/**
 * `npm test`: everything that a fresh machine can run, part by part. Ends with `N passed, N failed`.
 *   npm test                 all parts
 *   npm test -- unit types   the parts named
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { KitError } from '../catalog/index.ts'
import { createProgress } from '../cli/progress.ts'
import { ensureAddon, installAddon } from '../infra/local/engine-addon.ts'
import { ensureSystemPackages } from '../infra/local/system-packages.ts'
import { ensureTool } from '../infra/local/toolchain.ts'
import { CRD_SOURCES, crdFiles } from '../infra/local/toolchain/crds.ts'
import { ensurePeer } from './bench/engine/build-peer.ts'
import { PYTHON_SETS, ensurePythonClients } from './clients/python-environment.ts'

interface Count {
  passed: number
  failed: number
  /** Of tests that failed, where they have any: the log of all parts is long. */
  names?: readonly string[]
}

/** Vitest's JSON report, as far as it is read. */
interface Report {
  numPassedTests?: number
  numFailedTests?: number
  testResults?: {
    name: string
    status: string
    assertionResults: { fullName: string; status: string }[]
  }[]
}

const ROOT = join(import.meta.dirname, '..')
const bin = (path: string) => join(ROOT, 'node_modules', path)
const report = createProgress(process.stderr, process.env)

function runNode(script: string, ...args: string[]): number {
  return spawnSync(process.execPath, [script, ...args], { cwd: ROOT, stdio: 'inherit' }).status ?? 1
}

const one = (status: number): Count => ({
  passed: status === 0 ? 1 : 0,
  failed: status === 0 ? 0 : 1,
})
const sum = (counts: readonly Count[]): Count => ({
  passed: counts.reduce((total, count) => total + count.passed, 0),
  failed: counts.reduce((total, count) => total + count.failed, 0),
  names: counts.flatMap(({ names = [] }) => names),
})

/** A file that fails without a failed test stands for itself. */
function failedNames({ testResults = [] }: Report): string[] {
  return testResults.flatMap(({ name, status, assertionResults }) => {
    const file = relative(ROOT, name)
    const failed = assertionResults.filter((test) => test.status === 'failed')
    if (failed.length === 0) return status === 'failed' ? [file] : []
    return failed.map(({ fullName }) => `${file}: ${fullName}`)
  })
}

/** A run that ends without a report, or with a report of no test, has failed. */
function vitest(project: string, ...options: string[]): Count {
  const folder = mkdtempSync(join(tmpdir(), 'serantau-test-'))
  const file = join(folder, 'report.json')
  const status = runNode(
    bin('vitest/vitest.mjs'),
    'run',
    `--project=${project}`,
    ...options,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  )
  const result = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : {}
  rmSync(folder, { recursive: true })
  const { numPassedTests: passed = 0, numFailedTests: failed = 0 } = result
  const unexplained = (status !== 0 && failed === 0) || passed + failed === 0
  return { passed, failed: unexplained ? failed + 1 : failed, names: failedNames(result) }
}

async function charts(): Promise<Count> {
  const helm = await ensureTool('helm', report)
  const unittest = await ensureTool('helm-unittest', report)
  return sum(
    ['charts/gateway', 'charts/model-server'].flatMap((chart) => {
      const lint = spawnSync(
        helm,
        ['lint', '--strict', '--values', `${chart}/ci/values.yaml`, chart],
        {
          cwd: ROOT,
          stdio: 'inherit',
        },
      )
      const suite = spawnSync(unittest, [chart], { cwd: ROOT, encoding: 'utf8' })
      process.stdout.write(suite.stdout + suite.stderr)
      const tests = /^Tests:\s+(?:(\d+) failed, )?(?:(\d+) errored, )?(\d+) passed/m.exec(
        suite.stdout,
      )
      const failed = Number(tests?.[1] ?? 0) + Number(tests?.[2] ?? 0)
      return [
        one(lint.status ?? 1),
        {
          passed: Number(tests?.[3] ?? 0),
          failed: suite.status === 0 ? failed : Math.max(failed, 1),
        },
      ]
    }),
  )
}

/** Builds every tool once before the clock of a test runs. */
async function tools(): Promise<Count> {
  await ensureSystemPackages(report)
  for (const name of [
    'kubernetes',
    'pulumi',
    'coredns',
    'network-policy',
    'helm',
    'helm-unittest',
    'kwok',
    'karpenter-kwok',
  ] as const) {
    await ensureTool(name, report)
  }
  for (const source of CRD_SOURCES) await crdFiles(source, report)
  await ensureAddon(report, 'all-variants')
  await ensurePeer(report)
  for (const set of PYTHON_SETS) await ensurePythonClients(set, report)
  // Placed where the engine finds it: the tests with a model decode with what serves.
  await installAddon(report, 'native')
  return { passed: 1, failed: 0 }
}

const PARTS: Record<string, () => Count | Promise<Count>> = {
  lint: () =>
    sum([
      one(runNode(bin('eslint/bin/eslint.js'), '.', '--max-warnings=0')),
      one(runNode(bin('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '.')),
      one(runNode(bin('dependency-cruiser/bin/dependency-cruiser.mjs'), ...DIRECTIONS)),
    ]),
  types: () => one(runNode(bin('typescript/bin/tsc'), '--noEmit', '-p', '.')),
  // Many wait for time limits to pass: two files at a time, on two cores too.
  unit: () => vitest('unit', '--maxWorkers=2'),
  tools,
  charts,
  'model-dependent': () => vitest('model-dependent'),
  clients: () => vitest('clients', '--maxWorkers=2'),
  e2e: () => vitest('e2e', '--maxWorkers=2'),
  'e2e-alone': () => vitest('e2e-alone'),
}
const DIRECTIONS = [
  ...['--config', '.dependency-cruiser.cjs'],
  ...['catalog', 'weights', 'infra', 'server', 'cli'],
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in PARTS))
if (unknown.length > 0) {
  console.error(`parts: expected ${Object.keys(PARTS).join(', ')}, got ${unknown.join(', ')}`)
  process.exit(2)
}

const rows: [string, Count, number][] = []
for (const [name, run] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const began = Date.now()
  console.log(`\n== ${name}`)
  const count = await Promise.resolve()
    .then(run)
    .catch((error: unknown) => {
      console.error(error instanceof KitError ? error.message : error)
      return { passed: 0, failed: 1 }
    })
  rows.push([name, count, Date.now() - began])
}

console.log()
for (const [name, { passed, failed }, ms] of rows) {
  console.log(
    `${name.padEnd(18)} ${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed ${(ms / 1000).toFixed(0).padStart(6)} s`,
  )
}
const total = sum(rows.map(([, count]) => count))
for (const name of total.names ?? []) console.log(`failed: ${name}`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1)
