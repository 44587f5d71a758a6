import { Argument, Command } from 'commander'
import { startJobsWorker } from '../../workers/jobs.ts'
import { startProjectWorker } from '../../workers/project.ts'
import { startRelayWorker } from '../../workers/relay.ts'
import { readConfig } from '../config.ts'
import type { Tracing } from '../ports/tracing.ts'
import { createServiceLog } from '../wiring-log.ts'
import { metricRegistry } from '../wiring-metrics.ts'
import { epochInTime } from '../wiring-waiting.ts'
import { requireRedis } from './bundled-redis.ts'
import { serveMetrics } from './metrics.ts'
import { stopWhenTold } from './stopping.ts'

const WORKERS = { project: startProjectWorker, jobs: startJobsWorker, relay: startRelayWorker }

export function workCommand(tracing: Tracing | null): Command {
  return new Command('work')
    .description(
      'Run one worker: `project` keeps the read models in Redis fresh, `jobs` audits them; both build and replay. ' +
        '`relay` publishes changes and events over Kafka',
    )
    .addArgument(new Argument('<worker>', 'which one').choices(Object.keys(WORKERS)))
    .action(async (name: keyof typeof WORKERS) => {
      const given = readConfig()
      const config = name === 'relay' ? given : requireRedis(given)
      const log = createServiceLog(config)
      const started = new AsyncDisposableStack()
      if (tracing) started.defer(tracing.stop)
      // From the beginning: a worker may wait for a broker for as long as there is none.
      const stopping = stopWhenTold({ log, graceMs: config.shutdownGraceMs }, () => started.disposeAsync())
      try {
        const registry = metricRegistry()
        started.defer(await serveMetrics(config, registry, log))
        const worker = await WORKERS[name](config, log, { registry, epochOf: epochInTime({ log }), tracing })
        // Told to stop while it waited for the database, or a broker.
        if (stopping.begun()) return await worker.stop()
        started.defer(worker.stop)
      } catch (error) {
        await started.disposeAsync()
        throw error
      }
      log.info({ worker: name }, 'working')
    })
}
