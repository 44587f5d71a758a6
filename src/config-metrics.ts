import { z } from 'zod'
import { ConfigError, optionalInteger } from './config-values.ts'

/** Settings of the metrics that Prometheus reads. */
export const METRICS_VARIABLES = {
  METRICS_PORT: optionalInteger(
    0,
    65_535,
    'Port on which Prometheus reads metrics, at `/metrics`, and probes ask for `/health/live`; 0 takes a free one. Absent: neither is served.',
  ),
  METRICS_HOST: z.string().min(1).optional().describe('Address on which metrics are served. Absent: that of HOST.'),
} as const
const Variables = z.object(METRICS_VARIABLES)

/** Null: they are not served. */
export type MetricsConfig = { host: string; port: number } | null

export function metricsFrom(env: z.infer<typeof Variables> & { HOST: string; PORT: number }): MetricsConfig {
  const port = env.METRICS_PORT
  if (port === undefined) return null
  if (port !== 0 && port === env.PORT) throw new ConfigError('Wrong settings. METRICS_PORT: another port than PORT')
  return { host: env.METRICS_HOST ?? env.HOST, port }
}
