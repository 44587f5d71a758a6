import type { InEnvironment } from './adapters/newrelic/agent.ts'
import type { TracingConfig } from './config-tracing.ts'
import type { Tracing } from './ports/tracing.ts'
import { RELEASE } from './wiring-release.ts'

/**
 * The agent that the settings name, or null. It stands around modules that are loaded after it, so this is called before
 * anything else is imported; and what is not set is not even loaded.
 */
export async function startTracing(config: TracingConfig, inEnvironment: InEnvironment): Promise<Tracing | null> {
  if (config === null) return null
  if (config.agent === 'newrelic') {
    const { startNewRelic } = await import('./adapters/newrelic/agent.ts')
    return stoppedOnce(startNewRelic(config, inEnvironment))
  }
  const { startOpenTelemetry } = await import('./adapters/opentelemetry/agent.ts')
  return stoppedOnce(startOpenTelemetry({ ...config, release: RELEASE }))
}

/** Whoever ends, and whoever ends what has not begun well, may both ask for it. */
function stoppedOnce(tracing: Tracing): Tracing {
  let stopping: Promise<void> | null = null
  return {
    ...tracing,
    stop() {
      stopping ??= tracing.stop()
      return stopping
    },
  }
}
