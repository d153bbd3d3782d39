/** `npm run campaign -- NAME [options]`: many requests, and what must hold for every one of them. */
import { KitError } from '../../catalog/errors.ts'
import { CAMPAIGNS } from './campaigns.ts'
import { readOptions } from './options.ts'
import { saveReport, tableOf } from './report.ts'

async function main(args: string[]): Promise<boolean> {
  const { name, size, model, write } = readOptions(args)
  const campaign = CAMPAIGNS[name]!
  const began = Date.now()
  const say = (line: string) => console.error(line)
  const outcome =
    campaign.model === undefined
      ? await campaign.run({ size, say })
      : await campaign.run({ size, say, model: model ?? campaign.model })
  const report = { name, campaign, size, model, outcome, seconds: (Date.now() - began) / 1000 }
  console.log(tableOf(report))
  if (write) console.error(`written: ${await saveReport(report)}`)
  return outcome.failures.length === 0
}

main(process.argv.slice(2)).then(
  (kept) => process.exit(kept ? 0 : 1),
  (error: unknown) => {
    if (!(error instanceof KitError)) throw error
    console.error(`${error.code}: ${error.message}`)
    process.exit(error.exitCode)
  },
)
