import { Argument, Command } from 'commander'
import { startProjectWorker } from '../../workers/project.ts'
import { readConfig } from '../config.ts'
import { createServiceLog } from '../wiring.ts'
import { requireRedis } from './bundled-redis.ts'
import { stopWhenTold } from './stopping.ts'

export function workCommand(): Command {
  return new Command('work')
    .description('Run one worker: `project` keeps the read models in Redis fresh')
    .addArgument(new Argument('<worker>', 'which one').choices(['project']))
    .action(async () => {
      const config = requireRedis(readConfig())
      const log = createServiceLog(config)
      const worker = await startProjectWorker(config, log)
      log.info({ worker: 'project' }, 'working')
      stopWhenTold({ log, graceMs: config.shutdownGraceMs }, worker.stop)
    })
}
