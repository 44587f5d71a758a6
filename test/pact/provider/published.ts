import { type EventPublisherDeps, eventPublisher } from '../../../src/adapters/log-feed/event-publisher.ts'
import { relayChanges } from '../../../src/adapters/log-feed/relay.ts'
import { pendingEvents } from '../../../src/adapters/sql/pending-events.ts'
import { sqlTruth } from '../../../src/adapters/sql/truth.ts'
import type { MessageWriter, OutgoingMessage } from '../../../src/ports/message-log.ts'
import { openDatabase } from '../../../src/wiring-database.ts'
import { quiet, type TestService, until } from '../../support/service.ts'

const LONG_MS = 60_000
const POLL_MS = 5

export type Published = ReturnType<typeof publishedBy>
export type Appended = OutgoingMessage & { topic: string }

/**
 * What the service's relay would append to Kafka for what has been committed so far: the real one of changes, and the real
 * publisher of events, over a log in memory. The topics are those of its configuration.
 */
export function publishedBy({ config, query }: TestService) {
  const topics = config.kafka?.topics
  if (!topics) throw new Error('no broker is named: without KAFKA_BROKERS nothing is published')
  return {
    /** The newest first. */
    async events(): Promise<Appended[]> {
      const { database, close } = openDatabase(config)
      const log = memory()
      const deps: EventPublisherDeps = {
        ...{ pending: pendingEvents(database), writer: log, topic: topics.events },
        ...{ epoch: await epochIn(query), personalFields: config.events?.personalFields ?? [] },
      }
      try {
        while ((await eventPublisher(deps).publishSome()) > 0);
      } finally {
        await close()
      }
      return log.messages.toReversed()
    },
    /** A mark among them. The newest first. */
    async changes(): Promise<Appended[]> {
      const { database, scan, close } = openDatabase(config)
      const log = memory()
      const held = { token: 1, stream: '', published: 0 }
      const duty = await relayChanges(
        {
          ...{
            database,
            truth: sqlTruth({ point: database, scan, dialect: database.dialect }),
            writer: log,
            reader: log,
            topic: topics.changes,
            log: quiet,
          },
          ...{ epoch: await epochIn(query), leaseMs: LONG_MS, pollMs: POLL_MS },
        },
        { held: held as never, check: () => undefined, fence: async () => undefined },
      )
      try {
        await until('a change and a mark', async () => ['change', 'mark'].every((kind) => log.has(kind)))
      } finally {
        await duty.stop()
        await close()
      }
      return log.messages.toReversed()
    },
  }
}

async function epochIn(query: TestService['query']): Promise<string> {
  const [row] = await query('SELECT epoch FROM service_epoch')
  return String(row?.epoch)
}

/** One partition. */
function memory() {
  const messages: Appended[] = []
  const writer: MessageWriter = {
    async append(topic, added) {
      messages.push(...added.map((one) => ({ topic, ...one })))
      return [{ partition: 0, firstOffset: messages.length - added.length, count: added.length }]
    },
    close: async () => undefined,
  }
  const bounds = async () => [{ partition: 0, first: 0, end: messages.length }]
  const has = (kind: string) => messages.some(({ value }) => JSON.parse(String(value)).kind === kind)
  return { messages, has, bounds, ...writer }
}
