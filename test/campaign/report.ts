import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { run } from '../../infra/local/command.ts'
import { chooseAddon } from '../../server/engine/addon.ts'
import { type ModelName, MODELS } from '../bench/engine/options.ts'
import { type Campaign, type Outcome, show } from './campaign.ts'

export interface CampaignReport {
  name: string
  campaign: Campaign
  size: number
  model: ModelName | undefined
  outcome: Outcome
  seconds: number
}

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'campaigns')

export function tableOf({ outcome: { figures, failures } }: CampaignReport): string {
  const rows = figures.map(([label, value]) => `| ${label} | ${value} |`)
  const verdict =
    failures.length === 0
      ? 'Every promise was kept.'
      : `Not kept:\n\n${failures.map((line) => `- ${line}`).join('\n')}`
  return ['| figure | value |', '| --- | --- |', ...rows, '', verdict].join('\n')
}

/** One page a campaign, written anew each time; returns its path. */
export async function saveReport(report: CampaignReport): Promise<string> {
  const { name, campaign, size, model, seconds } = report
  const memory = Math.round(totalmem() / 2 ** 30)
  const { kind } = await chooseAddon()
  const which = model === undefined ? '' : ` --model ${model}`
  const command = `npm run campaign -- ${name} --size ${size}${which} --write`
  const about = [`${size} ${campaign.unit}`, ...(model === undefined ? [] : [MODELS[model]])]
  const page = [
    `# Campaign: ${name}`,
    `${campaign.title}.`,
    `${new Date().toISOString().slice(0, 10)}, ${about.join(', ')}, ${show(seconds)} s, ` +
      `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown'}, ${memory} GiB, engine: ${kind}, commit ${await commitOf()}.`,
    `\`\`\`sh\n${command}\n\`\`\``,
    tableOf(report),
  ]
  await mkdir(FOLDER, { recursive: true })
  const path = join(FOLDER, `${name}.md`)
  await writeFile(path, `${page.join('\n\n')}\n`)
  return path
}

/** What was measured; `-dirty`: with changes that no commit holds. */
async function commitOf(): Promise<string> {
  const folder = import.meta.dirname
  return await run('git', ['describe', '--always', '--dirty'], { folder }).then(
    (text) => text.trim(),
    () => 'unknown',
  )
}
