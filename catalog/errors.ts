/**
 * Every error that a person can meet outside HTTP: one row a code. The message of each says which
 * path or field, what was expected, what was got and how to fix it. (HTTP errors: server/errors.ts.)
 */
export const ERROR_CODES = {
  STACK_FILE_INVALID: { exit: 2, about: 'The stack file breaks a rule; nothing was deployed.' },
  USAGE: { exit: 2, about: 'The command line is wrong.' },
  MODEL_UNKNOWN: { exit: 2, about: 'The catalogue has no such base model or quantization.' },
  LICENCE_NOT_ACCEPTED: {
    exit: 2,
    about: 'The model needs a licence that the stack file does not accept by name.',
  },
  CONTEXT_UNKNOWN: { exit: 2, about: 'The kubeconfig has no such context.' },
  CLUSTER_UNREACHABLE: {
    exit: 1,
    about: 'The API server did not answer, or refused the credentials of the context.',
  },
  API_MISSING: {
    exit: 3,
    about: 'The cluster lacks an API that a part of the stack is made of; nothing was deployed.',
  },
  NODES_UNSUITABLE: {
    exit: 1,
    about: 'No node that is there can serve for a pool of kind existing; nothing was deployed.',
  },
  MODEL_TOO_BIG: {
    exit: 2,
    about: 'The accelerators of its pool cannot hold the model as asked for; nothing was deployed.',
  },
  PACKAGE_MISSING: {
    exit: 3,
    about: "A cloud's optional package is not installed.",
  },
  CLOUD_UNREACHABLE: {
    exit: 1,
    about:
      'A cloud did not answer, refused the credentials or knows no such name; nothing of the pool was made.',
  },
  PLACE_MISMATCH: {
    exit: 2,
    about:
      'Something in a cloud lies elsewhere than the stack file says; nothing of the pool was made.',
  },
  NODE_TOO_OLD: { exit: 3, about: 'This Node cannot run TypeScript as it stands.' },
  NOT_ROOT: { exit: 3, about: 'The embedded cluster needs root on Linux.' },
  TOOL_MISSING: { exit: 3, about: 'A tool is missing and could not be fetched or built.' },
  TOOL_BUILD_FAILED: { exit: 3, about: 'Building a tool from its source failed.' },
  DISK_FULL: { exit: 3, about: 'The disk is full.' },
  PORT_TAKEN: {
    exit: 3,
    about: 'Another process listens on a port that the embedded cluster needs.',
  },
  LOCKED: { exit: 3, about: 'Another serantau command works on the same thing.' },
  STATE_INCOMPATIBLE: {
    exit: 3,
    about: 'The state folder was written by an incompatible version.',
  },
  CLUSTER_DOWN: { exit: 3, about: 'The embedded cluster is not running.' },
  CLUSTER_START_FAILED: { exit: 1, about: 'A part of the embedded cluster did not become ready.' },
  WEIGHTS_CORRUPT: { exit: 1, about: 'A file of weights has the wrong digest or structure.' },
  WEIGHTS_NOT_SERVABLE: {
    exit: 1,
    about:
      'A sound file that holds no whole model: an adapter, a projector, one part of several, no tokenizer.',
  },
  WEIGHTS_UNAVAILABLE: { exit: 1, about: 'No source of the weights could be reached.' },
  IMAGE_BUILD_FAILED: { exit: 1, about: 'Building the server image failed.' },
  IMAGE_PUSH_FAILED: { exit: 1, about: 'The registry did not take the server image.' },
  ENGINE_ADDON_UNUSABLE: {
    exit: 3,
    about:
      'A compiled engine is damaged or for another CPU or version; the prebuilt one serves, slower. An image for an accelerator has none for the CPU, and does not serve without one.',
  },
  MODEL_NOT_LOADED: {
    exit: 1,
    about: 'The engine cannot load the model, or has no memory for it.',
  },
  ACCELERATOR_MISSING: {
    exit: 1,
    about:
      'The accelerator that was asked for is not the one in use; nothing is served on the CPU instead.',
  },
  ENGINE_SELF_TEST_FAILED: {
    exit: 1,
    about: 'The engine does not behave as this version is known to; it does not serve.',
  },
  PROVIDER_MISSING: {
    exit: 3,
    about: 'The Kubernetes provider of Pulumi is neither installed nor to be had.',
  },
  DEPLOY_FAILED: { exit: 1, about: 'Pulumi could not reach the wanted state.' },
  KEY_FILE_UNUSABLE: { exit: 3, about: 'The API key or passphrase file cannot be used.' },
  CERTIFICATE_UNUSABLE: {
    exit: 3,
    about: 'The gateway cannot use its TLS certificate and key, or they do not fit each other.',
  },
} as const satisfies Record<string, { exit: 1 | 2 | 3; about: string }>

export type ErrorCode = keyof typeof ERROR_CODES

export interface Problem {
  /** Dotted path or file that is wrong, e.g. `models[0].replicas`. */
  path: string
  expected: string
  got: string
  fix: string
}

/** An error meant for the user: shown without a stack. */
export class KitError extends Error {
  override readonly name = 'KitError'
  readonly code: ErrorCode
  readonly problems: readonly Problem[]

  constructor(code: ErrorCode, problems: Problem | readonly Problem[], options?: ErrorOptions) {
    const list = Array.isArray(problems) ? (problems as readonly Problem[]) : [problems as Problem]
    super(list.map(formatProblem).join('\n'), options)
    this.code = code
    this.problems = list
  }

  get exitCode(): 1 | 2 | 3 {
    return ERROR_CODES[this.code].exit
  }
}

export function formatProblem(problem: Problem): string {
  return `${problem.path}: expected ${problem.expected}, got ${problem.got}. Fix: ${problem.fix}`
}
