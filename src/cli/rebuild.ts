import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createServiceLog } from '../wiring-log.ts'
import { rebuildOnce } from '../wiring-once.ts'
import { withBundledRedis } from './bundled-redis.ts'
import { lazyProgressBar } from './progress.ts'
import { untilInterrupted } from './stopping.ts'

export function rebuildCommand(): Command {
  return new Command('rebuild')
    .description(
      'Build all read models again, while the service goes on serving. A worker does it; where none is free, this ' +
        'process does. Ctrl-C ends the waiting, not the job: a worker, or the next `rebuild`, goes on with it.',
    )
    .action(async () => {
      const config = await withBundledRedis(readConfig())
      const log = createServiceLog({ ...config, log: { ...config.log, level: 'warn' } })
      const bar = lazyProgressBar('projecting users')
      const rebuilt = await rebuildOnce(config, log, { onProgress: bar.update, stop: untilInterrupted() })
      bar.stop()
      process.stdout.write(`${tell(rebuilt)}\n`)
      if (rebuilt.outcome !== 'built') process.exitCode = 1
    })
}

const LEFT = {
  elsewhere: 'no longer waiting; a worker goes on building',
  here: 'stopped; the next worker, or `users-service rebuild`, goes on from there',
  nowhere: 'stopped; without the job queue the next `users-service rebuild` begins again',
}

function tell(rebuilt: Awaited<ReturnType<typeof rebuildOnce>>): string {
  if (rebuilt.outcome === 'left') return LEFT[rebuilt.where]
  if (rebuilt.outcome === 'overtaken') return 'Redis was emptied or exchanged meanwhile; workers build it anew'
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024)
  const projected = `projected ${rebuilt.users.toLocaleString('en')} users; peak memory ${peakMiB} MiB`
  if (rebuilt.outcome === 'built') return projected
  return `${projected}. Lists stay off: Redis is ahead of the database; see \`users-service consistency\`.`
}
