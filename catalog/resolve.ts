import { ACCELERATORS } from './accelerators/index.ts'
import type { BaseModel, KnownFile, ModelFile } from './base-model.ts'
import { cloudPlatformProblems } from './check-cloud-pools.ts'
import { gpuStackProblems } from './check-gpu-stack.ts'
import { poolProblems } from './check-pools.ts'
import { KitError, type ErrorCode, type Problem } from './errors.ts'
import { BASE_MODELS } from './models/index.ts'
import type { NodePool } from './node-pool.ts'
import { formatPath } from './parse-stack-file.ts'
import { bytesOf } from './quantity.ts'
import type { StackFile, StackModel } from './stack-file.ts'

/** Bounds of a model whose pods are scaled. */
export type ReplicaBounds = Exclude<StackModel['replicas'], number>

/** One model of the stack file with its row of the catalogue, every choice made. */
export interface ResolvedModel {
  base: BaseModel
  file: KnownFile
  choice: StackModel
  /** Nodes that its replicas run on; undefined: the stack has no pools. */
  pool: NodePool | undefined
  /** The most pods at once. */
  replicas: number
  /** Present: the number of pods is set while it runs, not by the manifest. */
  bounds?: ReplicaBounds
  /** Tokens of one request. */
  contextSize: number
}

const DEFAULT_CONTEXT_SIZE = 2048
const MEBIBYTE = 2 ** 20
/** Beside weights and prefixes; charts/model-server has the same number. */
const SERVER_MEBIBYTES = 512

/** Applies the rules between the stack file and the catalogue; throws and names every broken one. */
export function resolveModels(stack: StackFile): ResolvedModel[] {
  const checks = stack.models.map((choice, index) => checkModel(stack, choice, index))
  const found = [...checks.flatMap((check) => check.problems), ...checkStack(stack)]
  const first = found[0]
  if (first)
    throw new KitError(
      first.code,
      found.map((entry) => entry.problem),
    )
  return checks.flatMap((check) => (check.model ? [check.model] : []))
}

interface Finding {
  code: ErrorCode
  problem: Problem
}

function checkModel(
  stack: StackFile,
  choice: StackModel,
  index: number,
): { model?: ResolvedModel; problems: Finding[] } {
  const at = (...rest: string[]) => formatPath(['models', index, ...rest])
  const base = BASE_MODELS[choice.id]
  if (!base) return { problems: [unknownModel(at('id'), choice.id)] }
  const file = base.files.find((row) => row.quantization === choice.quantization) ?? base.files[0]
  const problems: Finding[] = []
  const add = (code: ErrorCode, problem: Problem) => problems.push({ code, problem })

  if (!file || (choice.quantization && file.quantization !== choice.quantization)) {
    add('MODEL_UNKNOWN', {
      path: at('quantization'),
      expected: `one of ${base.files.map((row) => row.quantization).join(', ')}`,
      got: String(choice.quantization),
      fix: 'choose a quantization that the catalogue has for this model',
    })
  }
  if (base.licence.acceptanceRequired && !stack.acceptedLicences.includes(base.licence.id)) {
    add('LICENCE_NOT_ACCEPTED', {
      path: formatPath(['acceptedLicences']),
      expected: `"${base.licence.id}" (${base.licence.document}), which ${base.id} needs`,
      got: JSON.stringify(stack.acceptedLicences),
      fix: `read the licence and add "${base.licence.id}" to acceptedLicences`,
    })
  }
  if (stack.models.findIndex((other) => other.id === choice.id) !== index) {
    add('STACK_FILE_INVALID', {
      path: at('id'),
      expected: 'each id once',
      got: `"${choice.id}" a second time`,
      fix: 'remove one of the two, or raise its replicas',
    })
  }
  if (choice.contextSize !== undefined && choice.contextSize > base.contextSize) {
    add('STACK_FILE_INVALID', {
      path: at('contextSize'),
      expected: `<= ${base.contextSize}, what ${base.id} was trained for`,
      got: String(choice.contextSize),
      fix: `set it to ${base.contextSize} or less`,
    })
  }
  if (stack.cluster.kind === 'existing' && !choice.weights) {
    add('STACK_FILE_INVALID', {
      path: at('weights'),
      expected: 'where the cluster gets the file',
      got: 'nothing',
      fix: 'set weights: { from: url, url: https://... } or { from: pvc, claim: ..., path: ... }',
    })
  }
  for (const problem of choiceOfPool(stack, choice, at)) add('STACK_FILE_INVALID', problem)
  const known = file && knownOf(base, file, choice, at('weights'), add)
  const pool = stack.nodePools.find(({ name }) => name === choice.pool)
  const onCard = pool !== undefined && pool.accelerator !== 'cpu'
  const short = memoryProblem(choice, onCard ? undefined : (known ?? file))
  if (short) add('STACK_FILE_INVALID', { path: at('memory'), ...short })
  if (stack.cluster.kind === 'local' && choice.state) {
    add('STACK_FILE_INVALID', {
      path: at('state'),
      expected: 'nothing: the embedded cluster makes no volumes, states stay with the pod',
      got: JSON.stringify(choice.state),
      fix: 'remove it, or deploy to a cluster of kind existing',
    })
  }
  const replicas = replicasOf(choice, at('replicas'), add)
  const bounds = boundsOf(choice)
  if (!known || problems.length > 0) return { problems }
  const contextSize = choice.contextSize ?? Math.min(DEFAULT_CONTEXT_SIZE, base.contextSize)
  const scaled = bounds === undefined ? {} : { bounds }
  return { model: { base, file: known, choice, pool, replicas, ...scaled, contextSize }, problems }
}

/** The file by the catalogue's digest, or by the stack file's where the catalogue has facts alone. */
function knownOf(
  base: BaseModel,
  file: ModelFile,
  { weights }: StackModel,
  path: string,
  add: (code: ErrorCode, problem: Problem) => void,
): KnownFile | undefined {
  const { sha256 } = file
  if (sha256 !== undefined) {
    if (weights?.sha256 === undefined || weights.sha256 === sha256) return { ...file, sha256 }
    add('STACK_FILE_INVALID', {
      path: `${path}.sha256`,
      expected: `${sha256}, as the catalogue has it of ${base.id} ${file.quantization}`,
      got: weights.sha256,
      fix: 'remove it, or choose the quantization that the file is of',
    })
    return undefined
  }
  if (weights?.sha256 !== undefined && weights.bytes !== undefined) {
    return { ...file, bytes: weights.bytes, sha256: weights.sha256 }
  }
  add('STACK_FILE_INVALID', {
    path,
    expected: `bytes and sha256 of the file: of ${base.id} the catalogue has facts alone`,
    got: JSON.stringify(weights ?? 'nothing'),
    fix: 'set weights: { ..., bytes: <size>, sha256: <digest> } of the file that your people checked',
  })
  return undefined
}

/** The weights are the process's own memory, unless a card holds them (no `file`); prefixes in memory count as the pod's, and the server beside both. */
function memoryProblem(
  { prefixCache, memory }: StackModel,
  file: ModelFile | undefined,
): Omit<Problem, 'path'> | undefined {
  const weights = Math.ceil((file?.bytes ?? 0) / MEBIBYTE)
  const prefixes = prefixCache === undefined ? 0 : Math.ceil(bytesOf(prefixCache.memory) / MEBIBYTE)
  const least = prefixes + weights + SERVER_MEBIBYTES
  if (bytesOf(memory) >= least * MEBIBYTE) return undefined
  const lower = prefixes > 0 ? ', or lower prefixCache.memory' : ''
  return {
    expected: `at least ${least}Mi: prefixCache.memory ${prefixes}Mi, weights ${weights}Mi, the server ${SERVER_MEBIBYTES}Mi`,
    got: memory,
    fix: `set memory: ${least}Mi or more${lower}`,
  }
}

function replicasOf(
  { replicas }: StackModel,
  path: string,
  add: (code: ErrorCode, problem: Problem) => void,
): number {
  if (typeof replicas === 'number') {
    if (replicas === 0) {
      add('STACK_FILE_INVALID', {
        path,
        expected: '>= 1, or bounds: a model without pods for good answers nobody',
        got: '0',
        fix: 'set replicas: { min: 0, max: 1 } to have pods only while somebody asks, or remove the model',
      })
    }
    return replicas
  }
  const { min, max } = replicas
  if (min > max) {
    add('STACK_FILE_INVALID', {
      path,
      expected: 'min no greater than max',
      got: JSON.stringify({ min, max }),
      fix: `set replicas: { min: ${max}, max: ${min} }, or replicas: ${min} for that many always`,
    })
  }
  return max
}

/** Equal bounds are a number: nothing scales such a model. */
const boundsOf = ({ replicas }: StackModel): ReplicaBounds | undefined =>
  typeof replicas === 'number' || replicas.min === replicas.max ? undefined : replicas

function unknownModel(path: string, id: string): Finding {
  return {
    code: 'MODEL_UNKNOWN',
    problem: {
      path,
      expected: `one of ${Object.keys(BASE_MODELS).join(', ')}`,
      got: JSON.stringify(id),
      fix: 'choose a base model of the catalogue',
    },
  }
}

/** Where there are pools each model names one, whose accelerator the stack has an image for. */
function choiceOfPool(
  { nodePools, acceleratorImages, cluster }: StackFile,
  choice: StackModel,
  at: (...rest: string[]) => string,
): Problem[] {
  if (choice.pool === undefined && nodePools.length === 0) return []
  const names = nodePools.map(({ name }) => name)
  const pool = nodePools.find(({ name }) => name === choice.pool)
  if (pool === undefined) {
    return [
      {
        path: at('pool'),
        expected: names.length > 0 ? `one of ${names.join(', ')}` : 'nothing without nodePools',
        got: choice.pool === undefined ? 'nothing' : JSON.stringify(choice.pool),
        fix: names.length > 0 ? 'name the pool that it runs on' : 'add the pool to nodePools',
      },
    ]
  }
  const { engine } = ACCELERATORS[pool.accelerator]
  if ('refused' in engine || engine.image === 'cpu' || cluster.kind === 'local') return []
  if (acceleratorImages[engine.image] !== undefined) return []
  return [
    {
      path: formatPath(['acceleratorImages', engine.image]),
      expected: `the server image for pool "${pool.name}" by digest`,
      got: 'nothing',
      fix: `run \`serantau image push REGISTRY/NAME --accelerator ${engine.image}\` and set the digest that it prints`,
    },
  ]
}

function checkStack(stack: StackFile): Finding[] {
  const ofNodes = [
    ...poolProblems(stack),
    ...cloudPlatformProblems(stack),
    ...gpuStackProblems(stack),
  ].map((problem) => ({ code: 'STACK_FILE_INVALID' as const, problem }))
  return [...ofNodes, ...checkRest(stack)]
}

function checkRest(stack: StackFile): Finding[] {
  if (stack.cluster.kind === 'local' && stack.expose.kind !== 'clusterIP') {
    return [
      {
        code: 'STACK_FILE_INVALID',
        problem: {
          path: formatPath(['expose', 'kind']),
          expected: '"clusterIP": the embedded cluster has no load balancer, ingress or gateway',
          got: JSON.stringify(stack.expose.kind),
          fix: 'remove expose, or deploy to a cluster of kind existing',
        },
      },
    ]
  }
  if (stack.cluster.kind === 'existing' && !stack.image) {
    return [
      {
        code: 'STACK_FILE_INVALID',
        problem: {
          path: formatPath(['image']),
          expected: 'the server image by digest',
          got: 'nothing',
          fix: 'run `serantau image push REGISTRY/NAME` and copy the line that it prints',
        },
      },
    ]
  }
  if (stack.expose.kind === 'gatewayRoute' && !stack.expose.gateway && !stack.expose.className) {
    return [
      {
        code: 'STACK_FILE_INVALID',
        problem: {
          path: formatPath(['expose']),
          expected: 'a Gateway that is there, or the class of the one to make',
          got: 'neither gateway nor className',
          fix: 'set expose.gateway: { name, namespace }, or expose.className (see `kubectl get gatewayclass`)',
        },
      },
    ]
  }
  const twice = stack.keys.filter(
    (key, index) => stack.keys.findIndex((other) => other.sha256 === key.sha256) !== index,
  )
  return twice.map((key) => ({
    code: 'STACK_FILE_INVALID' as const,
    problem: {
      path: formatPath(['keys']),
      expected: 'each hash once',
      got: `the hash of "${key.name}" twice`,
      fix: 'remove one of the two entries',
    },
  }))
}
