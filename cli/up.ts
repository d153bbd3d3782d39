import type { Command } from 'commander'
import { up, type UpResult } from '../infra/up.ts'
import type { CommonOptions } from './options.ts'
import { print, report } from './report.ts'

export function upCommand(command: Command): void {
  command
    .description('make what the stack file says true; on a local stack also the cluster itself')
    .action(async (options: CommonOptions) => {
      const result = await up({ project: options.project, stackName: options.stack }, report)
      print(options.output, result, describe(result))
    })
}

function describe(result: UpResult): string {
  const { endpoint, models } = result.outputs
  const model = models[0]?.id ?? ''
  const key = result.keyFile ? `$(cat ${result.keyFile})` : '$SERANTAU_API_KEY'
  const rows = models.map(({ id, digest, licence }) => `  ${id}  ${digest}  ${licence}`)
  return [
    `Endpoint  ${endpoint}`,
    `API key   ${result.keyFile ?? 'not on this machine: its hash is in the stack file'}`,
    'Models',
    ...rows,
    '',
    'Try it with curl:',
    '',
    `  curl -N ${endpoint}/chat/completions \\`,
    `    -H "Authorization: Bearer ${key}" -H 'Content-Type: application/json' \\`,
    `    -d '{"model": "${model}", "stream": true, "messages": [{"role": "user", "content": "What is a passport?"}]}'`,
    '',
    'or with Python (pip install openai):',
    '',
    '  from openai import OpenAI',
    result.keyFile
      ? `  client = OpenAI(base_url="${endpoint}", api_key=open("${result.keyFile}").read().strip())`
      : `  client = OpenAI(base_url="${endpoint}", api_key="...")`,
    `  answer = client.chat.completions.create(model="${model}", messages=[{"role": "user", "content": "What is a passport?"}])`,
    '  print(answer.choices[0].message.content)',
  ].join('\n')
}
