import { MODELS } from '../bench/engine/options.ts'
import { runSchemathesis } from '../clients/conformance/schemathesis.ts'
import type { SchemathesisRun } from '../clients/conformance/schemathesis.ts'
import {
  gatewayConfig,
  modelConfig,
  startRole,
  untilReady,
  weightsOf,
} from '../helpers/real-role.ts'
import type { RealRole } from '../helpers/real-role.ts'
import { API_KEY } from '../helpers/roles.ts'
import type { Outcome, Settings } from './campaign.ts'

/** Requests that are made from the service's own document, through the gateway to the real engine. */
export async function schemathesis({ model, size, say }: Settings): Promise<Outcome> {
  const id = MODELS[model]
  const roles: RealRole[] = []
  try {
    const served = await startRole(modelConfig(id, await weightsOf(id)))
    roles.push(served)
    const gateway = await startRole(gatewayConfig({ [id]: served.url }))
    roles.push(gateway)
    await Promise.all(roles.map(untilReady))
    say(`the bounds of each field, and ${size} examples of each operation`)
    const service = { baseURL: `${gateway.url}/v1`, apiKey: API_KEY, model: id }
    const phases = ['coverage', 'fuzzing'] as const
    return outcomeOf(await runSchemathesis(service, { examples: size, phases }))
  } finally {
    await Promise.all(roles.map((role) => role.stop()))
  }
}

function outcomeOf({ foundNothing, report, answers, askedElsewhere }: SchemathesisRun): Outcome {
  const rows = Object.entries(answers)
  const requests = rows.flatMap(([, statuses]) => Object.values(statuses))
  const total = requests.reduce((sum, count) => sum + count, 0)
  return {
    figures: [
      ['requests', `${total}`],
      ...rows.map(([operation, statuses]): [string, string] => [
        `\`${operation}\``,
        Object.entries(statuses)
          .map(([status, count]) => `${count} x ${status}`)
          .join(', '),
      ]),
    ],
    failures: [
      ...(foundNothing ? [] : [report]),
      ...(total === 0 ? ['nothing was asked'] : []),
      ...askedElsewhere.map((address) => `${address} was asked`),
    ],
  }
}
