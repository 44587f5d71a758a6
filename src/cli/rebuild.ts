import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createServiceLog } from '../wiring.ts'
import { rebuildOnce } from '../wiring-workers.ts'
import { withBundledRedis } from './bundled-redis.ts'
import { type ProgressBar, progressBar } from './progress.ts'

export function rebuildCommand(): Command {
  return new Command('rebuild')
    .description('Build all read models again, while the service goes on serving')
    .action(async () => {
      const config = await withBundledRedis(readConfig())
      const log = createServiceLog({ ...config, log: { ...config.log, level: 'warn' } })
      let bar: ProgressBar | undefined
      const users = await rebuildOnce(config, log, (done, total) => {
        bar ??= progressBar('projecting users', total)
        bar.update(done)
      })
      bar?.stop()
      const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024)
      process.stdout.write(`projected ${users.toLocaleString('en')} users; peak memory ${peakMiB} MiB\n`)
    })
}
