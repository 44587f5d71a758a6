import { RELAY_DUTIES, type RelayObserver } from '../../ports/metrics.ts'
import { gauge, type MetricRegistry, measuredCounters } from './families.ts'

/** What a relay does. */
export function relayMetrics(registry: MetricRegistry): RelayObserver {
  const leading = gauge(registry, {
    name: 'users_relay_leading',
    help: 'Whether this process is the one that publishes: 1, else 0.',
    labels: { duty: RELAY_DUTIES },
  })
  const published = { changes: 0, events: 0 }
  measuredCounters(
    registry,
    {
      name: 'users_relay_published_total',
      help: 'Messages that all in-sync replicas have, marks among them.',
      series: RELAY_DUTIES.map((duty) => ({ duty })),
    },
    (add) => {
      for (const duty of RELAY_DUTIES) add({ duty }, published[duty])
    },
  )
  return {
    leads: (duty, does) => leading({ duty }, does ? 1 : 0),
    published(duty, messages) {
      published[duty] += messages
    },
  }
}
