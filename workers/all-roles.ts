import type { Config } from '../src/config.ts'
import type { Tracing } from '../src/ports/tracing.ts'
import { createServiceLog } from '../src/wiring-log.ts'
import { metricRegistry, type SentMetrics, sentMetrics } from '../src/wiring-metrics.ts'
import { startWorkers, type WorkerRole, type WorkersOptions } from '../src/wiring-workers.ts'

/** All workers that these settings have work for, and what they have counted. */
export async function startAllRoles(
  config: Config,
  listener: NonNullable<WorkersOptions['listener']>,
  tracing: Tracing | null,
) {
  const isPublishing = config.feed.kind === 'kafka' || config.events !== null
  const roles: WorkerRole[] = ['project', 'jobs', ...(isPublishing ? (['relay'] as const) : [])]
  const registry = metricRegistry()
  const workers = await startWorkers(config, createServiceLog(config), roles, { registry, listener, tracing })
  return { stop: workers.stop, metrics: (): Promise<SentMetrics> => sentMetrics(registry) }
}
