import { Command } from 'commander'
import { buildApp } from '../app.ts'
import { readConfig } from '../config.ts'
import { requireIssuer } from '../config-auth.ts'
import type { Tracing } from '../ports/tracing.ts'
import { wireApi } from '../wiring.ts'
import { createServiceLog } from '../wiring-log.ts'
import { wireApiMetrics } from '../wiring-metrics.ts'
import { epochInTime, waitingDoor } from '../wiring-waiting.ts'
import { requireRedis } from './bundled-redis.ts'
import { checkAddress, listenOn } from './listening.ts'
import { checkMetricsAddress, serveMetrics } from './metrics.ts'
import { stopWhenTold } from './stopping.ts'

export function serveCommand(tracing: Tracing | null): Command {
  return new Command('serve')
    .description('Answer HTTP requests (one of several replicas; workers run beside it)')
    .action(async () => {
      const config = requireRedis(readConfig())
      requireIssuer(config)
      const log = createServiceLog(config)
      await checkAddress(config.http)
      await checkMetricsAddress(config)
      const started = new AsyncDisposableStack()
      if (tracing) started.defer(tracing.stop)
      const stopping = stopWhenTold({ log, graceMs: config.shutdownGraceMs }, () => started.disposeAsync())
      try {
        const metrics = wireApiMetrics()
        started.defer(await serveMetrics(config, metrics.registry, log))
        const door = waitingDoor()
        started.defer(door.close)
        const epochOf = epochInTime({ log, begun: () => listenOn(door, config.http), over: door.close })
        const api = await wireApi(config, log, { metrics, epochOf, tracing })
        // Told to stop while it waited for the database.
        if (stopping.begun()) return await api.close()
        started.defer(api.close)
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
