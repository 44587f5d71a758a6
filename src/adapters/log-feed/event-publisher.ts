import type { MessageWriter, OutgoingMessage } from '../../ports/message-log.ts'
import { type AuditedEvent, type Fence, MAX_PENDING_READ, type PendingEvents } from '../sql/pending-events.ts'
import { type EventOptions, toCloudEvent } from './cloud-events.ts'

/** Brokers take a megabyte together by default (`message.max.bytes`); the envelope of a batch needs some of it. */
const MAX_APPEND_BYTES = 524_288
/** A hundred thousand that all wait: then whoever wrote them has to publish some first. */
const MAX_PAGES = 200

export type EventPublisherDeps = EventOptions & {
  pending: Pick<PendingEvents, 'next' | 'forget'>
  writer: Pick<MessageWriter, 'append'>
  topic: string
  /** These wait, and what comes after them of the same entities: this version of the service cannot read them. */
  onHeld?: (auditIds: number[]) => void
}
export type EventPublisher = ReturnType<typeof eventPublisher>
type Publishable = { auditId: number; message: OutgoingMessage }

/**
 * Publishes what commands have left behind: at least once, and for one entity in the order of its commits, if one process
 * does it at a time. What cannot be read yet (an older version runs beside a newer one) holds up its own entity only.
 */
export function eventPublisher(deps: EventPublisherDeps) {
  const { pending, writer, topic, onHeld } = deps
  return {
    /** The next ones, at most MAX_PENDING_READ. Answers how many; `fence` as for `forget`. */
    async publishSome(fence?: Fence): Promise<number> {
      const held: number[] = []
      const ready = await nextReady(pending, deps, held)
      if (held.length > 0) onHeld?.(held)
      if (ready.length === 0) return 0
      // Forgotten only when all are there: what fails half way comes again, under the same ids.
      for (const batch of batches(ready)) await writer.append(topic, batch)
      await pending.forget(
        ready.map(({ auditId }) => auditId),
        fence,
      )
      return ready.length
    },
  }
}

/** Those of the first page that holds any; pages of nothing but what has to wait are passed over. */
async function nextReady(pending: Pick<PendingEvents, 'next'>, options: EventOptions, held: number[]) {
  const waiting = new Set<string>()
  let after = 0
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const events = await pending.next(MAX_PENDING_READ, after)
    const last = events.at(-1)
    if (!last) break
    const ready = sort(events, options, { waiting, held })
    if (ready.length > 0) return ready
    after = last.auditId
  }
  return []
}

type Waiting = { waiting: Set<string>; held: number[] }
function sort(events: AuditedEvent[], options: EventOptions, { waiting, held }: Waiting): Publishable[] {
  const ready: Publishable[] = []
  for (const event of events) {
    const entity = `${event.entity} ${event.entityId}`
    const message = waiting.has(entity) ? null : toCloudEvent(event, options)
    if (message) {
      ready.push({ auditId: event.auditId, message })
    } else {
      waiting.add(entity)
      held.push(event.auditId)
    }
  }
  return ready
}

function batches(events: Publishable[]): OutgoingMessage[][] {
  const all: OutgoingMessage[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const { message } of events) {
    const size = Buffer.byteLength(message.value)
    if (bytes + size > MAX_APPEND_BYTES) {
      all.push([])
      bytes = 0
    }
    bytes += size
    all.at(-1)?.push(message)
  }
  return all
}
