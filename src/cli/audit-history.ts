import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { readConfig } from '../config.ts'
import { type Audit, openAudit } from '../wiring-audit.ts'
import { databasePath } from '../wiring-database.ts'
import { wholeBetween } from './arguments.ts'
import { compareEnds, eraseUser, type Tell, tellEnds, verifyChains } from './audit-actions.ts'
import { nameOf, reasonOf, whoever } from './audited.ts'
import { PlainError } from './plain-error.ts'
import { untilInterrupted } from './stopping.ts'

const aUser = wholeBetween(1, Number.MAX_SAFE_INTEGER)
const tell: Tell = (line) => void process.stdout.write(`${line}\n`)

type VerifyOptions = {
  user?: number
  entity?: string
  id?: string
  heads?: true
  against?: string
  unchainedBefore?: string
  hadRetention?: true
}

const OF_VERIFY = `
Every entry of the audit is hashed together with the one before of the same user, role or switch. Whoever changes, adds or
takes away one has to change all that follow, up to the end of the chain; who can do that as well is found by ends that were
kept where they cannot reach: \`audit verify --heads > file\` every day, and \`audit verify --against file\`.
Where AUDIT_RETENTION_DAYS is set the oldest entries may be missing; it must be what the jobs worker has.`

export function verifyCommand(): Command {
  return new Command('verify')
    .description('See whether the audit is what was written: print what is broken, and end with 1 when something is')
    .option('--user <id>', 'one user', aUser)
    .addOption(new Option('--entity <kind>', 'one kind: user, role, breaker, route').conflicts('user'))
    .option('--id <id>', 'with --entity: one of them')
    .addOption(new Option('--heads', 'only print where each chain ends, to be kept elsewhere').conflicts('against'))
    .option('--against <file>', 'compare with what --heads has printed earlier as well')
    .option('--unchained-before <time>', 'let pass what an earlier release wrote beside this one before then', timeOf)
    .option(
      '--had-retention',
      'let pass that old entries are gone: AUDIT_RETENTION_DAYS was set, or was less, until now',
    )
    .addHelpText('after', OF_VERIFY)
    .action(async (options: VerifyOptions) => {
      const broken = await withAudit((audit) => verify(audit, options))
      if (broken > 0) process.exitCode = 1
    })
}

async function verify(audit: Audit, options: VerifyOptions): Promise<number> {
  const { heads, against, unchainedBefore = null, hadRetention = false } = options
  const [of, stop] = [whose(options), untilInterrupted()]
  if (heads) {
    await tellEnds(audit, of, stop, tell)
    return 0
  }
  const mayBeRemoved = hadRetention || audit.hasRetention
  const wanted = { of, unchainedBefore, mayBeRemoved, stop }
  if (against === undefined) return verifyChains(audit, wanted, tell)
  const file = await open(against).catch((error) => {
    throw new PlainError(`${against} cannot be read: ${error.code}.`)
  })
  try {
    const changed = await compareEnds(audit, () => file.readLines(), { of, stop, hadRetention }, tell)
    return changed + (await verifyChains(audit, wanted, tell))
  } finally {
    await file.close().catch(() => undefined)
  }
}

function whose({ user, entity, id }: VerifyOptions): { entity: string; id?: string } | null {
  if (user !== undefined) return { entity: 'user', id: String(user) }
  if (id !== undefined && entity === undefined) throw new PlainError('--id needs --entity.')
  if (entity === undefined) return null
  return id === undefined ? { entity } : { entity, id }
}

function timeOf(text: string): string {
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('It is a time: 2026-07-01T12:00:00Z.')
  return time.toISOString()
}

const OF_ERASE = `
What was done, when and by whom stays, so that the chain can still be verified; what the entries said of the user, and from where
they were made, is gone for good. The reason is kept: name a request, not the person.`

export function eraseCommand(): Command {
  return new Command('erase')
    .description('Erase what the audit says of a user; that it was erased is an entry itself')
    .requiredOption('--user <id>', 'whose', aUser)
    .requiredOption('--reason <text>', 'why; the audit keeps it', reasonOf)
    .option('--by <name>', 'who says so, where that is not who is logged in', nameOf)
    .addHelpText('after', OF_ERASE)
    .action(({ user: userId, reason, by }: { user: number; reason: string; by?: string }) =>
      withAudit(async (audit) =>
        tell(await eraseUser(audit, { userId, reason, by: whoever(by), at: new Date().toISOString() })),
      ),
    )
}

async function withAudit<Result>(work: (audit: Audit) => Promise<Result>): Promise<Result> {
  const config = readConfig()
  const path = databasePath(config)
  // Opening would make an empty database, in which nothing is broken: good news from the wrong folder.
  if (config.database === null && !existsSync(path))
    throw new PlainError(`There is no database at ${path}; DATA_DIR says where it is.`)
  const audit = openAudit(config)
  try {
    return await work(audit)
  } catch (error) {
    const { name, message } = error as Error
    if (name === 'AbortError') throw new PlainError('Stopped before the end.')
    throw name === 'DomainError' ? new PlainError(message) : error
  } finally {
    await audit.close()
  }
}
