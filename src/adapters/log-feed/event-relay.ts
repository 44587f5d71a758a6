import type { Log } from '../../ports.ts'
import { describeFault } from '../sql/fault.ts'
import { looping } from '../sql/looping.ts'
import type { EventPublisher } from './event-publisher.ts'
import type { Duty, Term } from './leadership.ts'

const RETRY_BASE_MS = 100
const RETRY_MAX_MS = 5_000

/** Publishes the events that commands have left behind, as the only one that does. */
export function relayEvents(events: EventPublisher, { pollMs, log }: { pollMs: number; log: Log }, term: Term): Duty {
  const { held, check, fence } = term
  let failures = 0
  const step = async (): Promise<number> => {
    try {
      check()
      const published = await events.publishSome(fence)
      if (failures > 0) log.info({ failures }, 'events are published again')
      failures = 0
      return published === 0 ? pollMs : 0
    } catch (error) {
      failures += 1
      if (failures === 1) log.warn({ reason: describeFault(error) }, 'events wait: they cannot be published now')
      return Math.min(RETRY_BASE_MS * 2 ** Math.min(failures, 10), RETRY_MAX_MS)
    }
  }
  return { ...looping(() => step), known: () => held }
}
