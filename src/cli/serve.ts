import { Command } from 'commander'
import { buildApp } from '../app.ts'
import { readConfig } from '../config.ts'
import { createServiceLog, wireApi } from '../wiring.ts'
import { untilToldToStop } from './stopping.ts'

export function serveCommand(): Command {
  return new Command('serve')
    .description('Answer HTTP requests (one of several replicas; workers run beside it)')
    .action(async () => {
      const config = readConfig()
      const log = createServiceLog(config)
      const api = await wireApi(config, log)
      const app = await buildApp({ ...api, http: config.http, log })
      const address = await app.listen({ host: config.http.host, port: config.http.port })
      log.info({ address }, 'serving')
      await untilToldToStop({ log, graceMs: config.shutdownGraceMs }, async () => {
        await app.close()
        await api.close()
      })
    })
}
