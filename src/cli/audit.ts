import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createServiceLog } from '../wiring-log.ts'
import { type AuditWhat, auditOnce } from '../wiring-once.ts'
import { wholeNumber } from './arguments.ts'
import { eraseCommand, verifyCommand } from './audit-history.ts'
import { withBundledRedis } from './bundled-redis.ts'
import { PlainError } from './plain-error.ts'
import { lazyProgressBar } from './progress.ts'
import { untilInterrupted } from './stopping.ts'

type Options = { all?: true; user?: number }

export function auditCommand(): Command {
  return new Command('audit')
    .description(
      'Compare read models with the database, put right what differs, and say what it was: users drawn by chance, or ' +
        'as the options say. Ends with 1 when something differed. The verbs are about who has done what.',
    )
    .enablePositionalOptions()
    .addCommand(verifyCommand())
    .addCommand(eraseCommand())
    .option('--all', 'everybody, and all that Redis holds, at the rate of AUDIT_USERS_PER_SECOND')
    .option('--user <id>', 'one user', wholeNumber)
    .action(async (options: Options) => {
      const config = await withBundledRedis(readConfig())
      const log = createServiceLog({ ...config, log: { ...config.log, level: 'warn' } })
      const bar = lazyProgressBar('comparing users')
      const following = { onProgress: bar.update, stop: untilInterrupted() }
      const { checked, differing, moving } = await auditOnce(config, log, whatOf(options), following)
      bar.stop()
      const count = (number: number) => number.toLocaleString('en')
      process.stdout.write(
        `${count(checked)} compared, ${count(differing)} differed, ${count(moving)} were in flight\n`,
      )
      if (differing > 0) process.exitCode = 1
    })
}

function whatOf({ all, user }: Options): AuditWhat {
  if (all && user !== undefined) throw new PlainError('Either --all or --user, not both.')
  if (user !== undefined) return { kind: 'user', userId: user }
  return { kind: all ? 'all' : 'sample' }
}
