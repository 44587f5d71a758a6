import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createServiceLog } from '../wiring-log.ts'
import { type Replayed, replayOnce } from '../wiring-replay.ts'
import { withBundledRedis } from './bundled-redis.ts'
import { PlainError } from './plain-error.ts'
import { lazyProgressBar } from './progress.ts'
import { type ReplayOptions, whatToReplay } from './replay-options.ts'
import { untilInterrupted } from './stopping.ts'

/** How many of those who failed are named. */
const SHOWN_IDS = 10

export function replayCommand(): Command {
  return new Command('replay')
    .description(
      'Project again users who may have been missed, while the service goes on serving. Name them in one of four ways. ' +
        'A worker does it; where none is free, this process does. Ctrl-C ends the waiting, not the job: a worker, or ' +
        'the next `replay`, goes on with it. Ends with 1 when somebody could not be projected.',
    )
    .option('--ids <ids>', 'these users: 1,2,3')
    .option('--ids-file <path>', 'the users in this file, one id a line; `-` reads the standard input')
    .option('--since <time>', 'whoever changed at or after this time, by the database: 2026-11-25T19:00:00Z')
    .option('--until <time>', 'with --since: and not after this time')
    .option('--from-mark', 'whoever changed since all was known to be in Redis, less LONGEST_TRANSACTION_MS')
    .action(async (options: ReplayOptions) => {
      const what = await whatToReplay(options)
      const config = await withBundledRedis(readConfig())
      const log = createServiceLog({ ...config, log: { ...config.log, level: 'warn' } })
      const bar = lazyProgressBar('projecting users')
      const following = { onProgress: bar.update, stop: untilInterrupted() }
      const replayed = await replayOnce(config, log, what, following)
      bar.stop()
      process.stdout.write(`${tell(replayed)}\n`)
      if (replayed.outcome !== 'replayed' || replayed.failed > 0 || replayed.rolesFailed) process.exitCode = 1
    })
}

const LEFT = {
  elsewhere: 'no longer waiting; a worker goes on replaying',
  here: 'stopped; the next worker, or `users-service replay`, goes on from there',
  nowhere: 'stopped; without the job queue the next `users-service replay` begins again',
}

function tell(replayed: Replayed): string {
  if (replayed.outcome === 'left') return LEFT[replayed.where]
  if (replayed.outcome === 'no-mark')
    throw new PlainError('Redis has no mark to replay from; `users-service rebuild` builds all read models again.')
  const { users, failed, failedIds, rolesFailed } = replayed
  const said = [`projected ${users.toLocaleString('en')} ${users === 1 ? 'user' : 'users'}`]
  if (failed > 0) {
    const more = failed > SHOWN_IDS ? ', …' : ''
    const ids = failedIds.slice(0, SHOWN_IDS).join(', ')
    said.push(`${failed.toLocaleString('en')} could not be, and are read from the database: ${ids}${more}`)
  }
  if (rolesFailed) said.push('the roles could not be, and are read from the database')
  return said.join('; ')
}
