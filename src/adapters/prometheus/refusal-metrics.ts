import { REFUSALS, type RefusalObserver, SHEDDING } from '../../ports/refusals.ts'
import { counter, gauge, type MetricRegistry } from './families.ts'

/** What is refused because there is too much of it. */
export function refusalMetrics(registry: MetricRegistry): RefusalObserver {
  const refusals = counter(registry, {
    name: 'users_requests_refused_total',
    help: 'Requests that were refused because there were too many, or there was too much in them, by why.',
    labels: { reason: REFUSALS },
  })
  const shedding = gauge(registry, {
    name: 'users_shedding',
    help: 'What this process answers no more because it has too much to do: 1 for what it is now.',
    labels: { what: SHEDDING },
  })
  const show: RefusalObserver['shedding'] = (what) => {
    for (const one of SHEDDING) shedding({ what: one }, one === what ? 1 : 0)
  }
  show('nothing')
  return { refused: (reason) => refusals({ reason }), shedding: show }
}
