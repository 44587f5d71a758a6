import { Command } from 'commander'
import { buildApp } from '../app.ts'
import { readConfig } from '../config.ts'
import { requireIssuer } from '../config-auth.ts'
import { createServiceLog, wireApi } from '../wiring.ts'
import { requireRedis } from './bundled-redis.ts'
import { checkAddress, listenOn } from './listening.ts'
import { checkMetricsAddress, serveMetrics } from './metrics.ts'
import { stopWhenTold } from './stopping.ts'

export function serveCommand(): Command {
  return new Command('serve')
    .description('Answer HTTP requests (one of several replicas; workers run beside it)')
    .action(async () => {
      const config = requireRedis(readConfig())
      requireIssuer(config)
      const log = createServiceLog(config)
      await checkAddress(config.http)
      await checkMetricsAddress(config)
      const started = new AsyncDisposableStack()
      stopWhenTold({ log, graceMs: config.shutdownGraceMs }, () => started.disposeAsync())
      try {
        const api = await wireApi(config, log)
        started.defer(api.close)
        started.defer(await serveMetrics(config, api.metrics, log))
        const app = await buildApp({ ...api, http: config.http, log })
        started.defer(() => app.close())
        const address = await listenOn(app, config.http)
        log.info({ address }, 'serving')
      } catch (error) {
        await started.disposeAsync()
        throw error
      }
    })
}
