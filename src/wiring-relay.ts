import { kafkaReader } from './adapters/kafka/reader.ts'
import { tracedWriter } from './adapters/kafka/traced-log.ts'
import { kafkaWriter } from './adapters/kafka/writer.ts'
import { eventPublisher } from './adapters/log-feed/event-publisher.ts'
import { relayEvents } from './adapters/log-feed/event-relay.ts'
import { type Duty, startLeading, type Term } from './adapters/log-feed/leadership.ts'
import { type RelayDeps, relayChanges } from './adapters/log-feed/relay.ts'
import { subscribe } from './adapters/redis/subscriber.ts'
import { pendingEvents } from './adapters/sql/pending-events.ts'
import { type LeaseName, relayLease } from './adapters/sql/relay-lease.ts'
import { sqlTruth } from './adapters/sql/truth.ts'
import type { Config } from './config.ts'
import type { KafkaConfig } from './config-feed.ts'
import type { MessageWriter } from './ports/message-log.ts'
import type { DatabaseObserver, RelayDuty, RelayObserver } from './ports/metrics.ts'
import type { Tracing } from './ports/tracing.ts'
import type { Log, Subscription } from './ports.ts'
import { readModelKeys } from './projections/keys.ts'
import { OutOfReachError, openDatabase, type ReadEpoch, readEpoch } from './wiring-database.ts'
import { openKafka, readyTopics } from './wiring-kafka.ts'

const APPENDING_GRACE_MS = 3_000

/** Publishes what changes, and what commands did; one of any number that is active. Needs no Redis, but is woken by one. */
export async function startRelaying(
  config: Config,
  log: Log,
  observers: Observers,
  epochOf: ReadEpoch = readEpoch,
): Promise<Subscription> {
  const { feed, events, redis } = config
  if (feed.kind !== 'kafka' && events === null)
    throw new OutOfReachError('There is nothing to publish: FEED is not kafka, and EVENTS is off.')
  const kafka = await openKafka(config, log)
  const stopping = new AbortController()
  const { database, scan, close } = openDatabase(config, observers.database, observers.tracing)
  try {
    const epoch = await epochOf(database)
    observers.build(epoch)
    await readyTopics(kafka, { changes: feed.kind === 'kafka', events: events !== null }, log, stopping.signal)
    const writer = kafkaWriter(kafka.client)
    const reader = kafkaReader(kafka.client)
    const truth = sqlTruth({ point: database, scan, dialect: database.dialect })
    const { pollMs, relayLeaseMs: leaseMs } = feed
    const parts = { database, truth, writer, reader, epoch, pollMs, leaseMs, log }
    const leading = duties(config, kafka.config, {
      ...parts,
      observer: observers.relay,
      tracing: observers.tracing,
    }).map(({ what, begin }) =>
      startLeading({
        what,
        begin: observed(what, begin, observers.relay),
        lease: relayLease(database, { lease: what, leaseMs }),
        leaseMs,
        log,
      }),
    )
    const wake = () => {
      for (const each of leading) each.wake()
    }
    const wakes = redis.url === null ? null : subscribe(redis.url, readModelKeys(epoch).changed, wake, log)
    return {
      wake,
      async stop() {
        stopping.abort()
        wakes?.close()
        const ended = Promise.all(leading.map((each) => each.stop()))
        // What is being appended may go on for a while; with Kafka away it must not hold the end up.
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, APPENDING_GRACE_MS).unref())])
        await Promise.all([writer.close(), reader.close()])
        await ended
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

type Observers = {
  database: DatabaseObserver
  relay: RelayObserver
  tracing: Tracing | null
  build(epoch: string): void
}
type Parts = Omit<RelayDeps, 'topic'> & { observer: RelayObserver; tracing: Tracing | null }
type Begin = (term: Term) => Promise<Duty>
type Duties = { what: LeaseName; begin(term: Term): Promise<Duty> }[]

function duties({ feed, events }: Config, { topics }: KafkaConfig, parts: Parts): Duties {
  const { database, epoch, observer, tracing, log } = parts
  const writer = (duty: RelayDuty) => {
    const counted = countingWriter(parts.writer, (messages) => observer.published(duty, messages))
    return tracing ? tracedWriter(counted, duty, tracing) : counted
  }
  const all: Duties = []
  if (feed.kind === 'kafka')
    all.push({
      what: 'changes',
      begin: (term) => relayChanges({ ...parts, writer: writer('changes'), topic: topics.changes }, term),
    })
  if (events !== null) {
    const about = { pending: pendingEvents(database), writer: writer('events'), topic: topics.events, epoch, ...events }
    const publisher = eventPublisher({ ...about, onHeld: tellHeld(log) })
    all.push({ what: 'events', begin: async (term) => relayEvents(publisher, parts, term) })
  }
  return all
}

/** Whoever has begun leads until the duty is stopped, whether it was told to or another has taken over. */
function observed(what: RelayDuty, begin: Begin, { leads }: RelayObserver): Begin {
  return async (term) => {
    const duty = await begin(term)
    leads(what, true)
    return { ...duty, stop: () => duty.stop().finally(() => leads(what, false)) }
  }
}

function countingWriter(writer: MessageWriter, published: (messages: number) => void): MessageWriter {
  return {
    ...writer,
    async append(topic, messages) {
      const appended = await writer.append(topic, messages)
      published(messages.length)
      return appended
    },
  }
}

/** Once for the same ones: they are looked at many times a second. */
function tellHeld(log: Log) {
  let told = ''
  return (auditIds: number[]) => {
    const held = auditIds.join(' ')
    if (held === told) return
    told = held
    const about = { events: auditIds.length, first: auditIds[0] }
    log.warn(about, 'events wait that a newer release has written; it has to publish them')
  }
}
