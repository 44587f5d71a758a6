import { Command } from 'commander'
import { type Config, readConfig } from '../config.ts'
import { findDataFaults, findSchemaFaults, makeSchema, schemaScript } from '../wiring-schema.ts'
import { PlainError } from './plain-error.ts'

export function schemaCommand(): Command {
  const schema = new Command('schema').description(
    'What an Informix database needs for this service: show it, look for it, make it',
  )
  schema
    .command('print')
    .description('Print the whole as SQL, for a DBA to read')
    .action(() => void process.stdout.write(schemaScript(readConfig())))
  schema
    .command('check')
    .description('Compare the database with what is needed, changing nothing; ends with 1 when it cannot be served')
    .option('--data', 'read every user instead, and count what the service has no word for')
    .action(async ({ data }: { data?: true }) => {
      const config = withDatabase(data !== true)
      await (data ? checkData(config) : checkTables(config))
    })
  schema
    .command('apply')
    .description('Make what is missing of what this service owns; nothing of others is altered')
    .action(async () => {
      const made = await makeSchema(withDatabase(true))
      for (const what of made) process.stdout.write(`made ${what}\n`)
      if (made.length === 0) process.stdout.write('nothing is missing\n')
    })
  return schema
}

/** The embedded database is made whole by itself; only its data may be looked at. */
function withDatabase(isNeeded: boolean): Config {
  const config = readConfig()
  if (isNeeded && config.database === null) {
    throw new PlainError('DATABASE_URL is not set: the embedded database is made and kept by the service itself.')
  }
  return config
}

async function checkTables(config: Config): Promise<void> {
  const findings = await findSchemaFaults(config)
  for (const { grade, what } of findings) process.stdout.write(`${grade}: ${what}\n`)
  const refusals = findings.filter(({ grade }) => grade === 'refusal').length
  process.stdout.write(refusals === 0 ? 'this database can be served\n' : `${refusals} to be mended first\n`)
  if (refusals > 0) process.exitCode = 1
}

async function checkData(config: Config): Promise<void> {
  const { users, unreadable, oddities } = await findDataFaults(config, () => undefined)
  process.stdout.write(`${users} users read, ${unreadable} of them cannot be\n`)
  for (const [oddity, count] of Object.entries(oddities))
    process.stdout.write(`${oddity}: ${count} left out or shown otherwise\n`)
}
