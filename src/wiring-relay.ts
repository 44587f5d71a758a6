import { kafkaReader } from './adapters/kafka/reader.ts'
import { kafkaWriter } from './adapters/kafka/writer.ts'
import { eventPublisher } from './adapters/log-feed/event-publisher.ts'
import { startRelay } from './adapters/log-feed/relay.ts'
import { subscribe } from './adapters/redis/subscriber.ts'
import { pendingEvents } from './adapters/sql/pending-events.ts'
import { relayLease } from './adapters/sql/relay-lease.ts'
import { sqlTruth } from './adapters/sql/truth.ts'
import type { Config } from './config.ts'
import type { Log, Subscription } from './ports.ts'
import { readModelKeys } from './projections/keys.ts'
import { openDatabase, readEpoch } from './wiring-database.ts'
import { openKafka, readyTopics } from './wiring-kafka.ts'

/** Publishes what changes, and what commands did; one of any number that is active. Needs no Redis, but is woken by one. */
export async function startRelaying(config: Config, log: Log): Promise<Subscription> {
  const kafka = await openKafka(config, log)
  const { database, scan, close } = openDatabase(config)
  try {
    const epoch = await readEpoch(database)
    await readyTopics(kafka, config.events !== null, log)
    const { topics } = kafka.config
    const writer = kafkaWriter(kafka.client)
    const reader = kafkaReader(kafka.client)
    const { personalFields } = config.events ?? {}
    const relay = startRelay({
      database,
      lease: relayLease(database, { leaseMs: config.feed.relayLeaseMs }),
      leaseMs: config.feed.relayLeaseMs,
      pollMs: config.feed.pollMs,
      truth: sqlTruth({ point: database, scan, dialect: database.dialect }),
      writer,
      reader,
      topic: topics.changes,
      events:
        personalFields === undefined
          ? null
          : eventPublisher({
              ...{ pending: pendingEvents(database), writer, topic: topics.events, epoch, personalFields },
              onHeld: tellHeld(log),
            }),
      log,
    })
    const { url } = config.redis
    const wakes = url === null ? null : subscribe(url, readModelKeys(epoch).changed, relay.wake, log)
    return {
      wake: relay.wake,
      async stop() {
        wakes?.close()
        await relay.stop()
        await Promise.all([writer.close(), reader.close()])
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
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
