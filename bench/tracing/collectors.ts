import { startCollector } from '../../test/tracing/newrelic-collector.ts'
import { startOtlpCollector } from '../../test/tracing/otlp-collector.ts'

/** By which a service finds each: stand-ins, in a process whose time nobody counts. */
export type Environments = { newRelic: Record<string, string>; openTelemetry: Record<string, string> }

const ended: (() => unknown)[] = []
const owner = { after: (end: () => unknown) => ended.push(end) }
const [newRelic, openTelemetry] = await Promise.all([startCollector(owner), startOtlpCollector(owner)])
process.once('SIGTERM', async () => {
  for (const end of ended.reverse()) await end()
  process.exit()
})
process.once('message', () =>
  process.send?.({
    newRelic: newRelic.environment,
    openTelemetry: openTelemetry.environment,
  } satisfies Environments),
)
