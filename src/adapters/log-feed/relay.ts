import type { FeedObserver } from '../../ports/feed-observer.ts'
import type { LogReader, MessageWriter } from '../../ports/message-log.ts'
import type { Database, Log, Truth } from '../../ports.ts'
import { outboxMark } from '../sql/changes.ts'
import { directFeed } from '../sql/direct-feed.ts'
import { describeFault } from '../sql/fault.ts'
import { soleChanges } from '../sql/sole-changes.ts'
import type { Duty, Term } from './leadership.ts'
import { encodeChange, encodeMark } from './messages.ts'
import { nowAndThen } from './now-and-then.ts'
import { topicLife } from './topic-life.ts'

/** How many partitions there are may change, and that it is the same topic. */
const COMPARE_EVERY_MS = 1_000

export type RelayDeps = {
  database: Database
  truth: Pick<Truth, 'now'>
  writer: MessageWriter
  reader: Pick<LogReader, 'bounds'>
  topic: string
  /** The database's. */
  epoch: string
  leaseMs: number
  pollMs: number
  log: Log
  observe?: FeedObserver | undefined
}

/**
 * Publishes what is in the outbox, and marks, as the only one that does. Rows are deleted only after the brokers have
 * acknowledged the messages.
 */
export async function relayChanges(deps: RelayDeps, { held, check, fence }: Term): Promise<Duty> {
  const { database, truth, writer, reader, topic, epoch, log } = deps
  const life = topicLife({ ...held, epoch }, await reader.bounds(topic), (stream) =>
    log.warn({ stream }, 'the topic of changes is not the one it was; everybody looks at all since the mark'),
  )
  const changes = soleChanges(database, { fence, check })
  const mark = outboxMark(changes, truth)
  const feed = directFeed({ ...deps, changes, mark, parked: { park: async () => false } })
  const subscription = feed.subscribe({
    async handle(batch) {
      check()
      life.appended(await writer.append(topic, batch.map(encodeChange)))
    },
    // Nobody looks into what is published: what fails is Kafka, or the way to it.
    isOutage: () => true,
    othersGoThrough: async () => false,
    giveUp: async () => {
      throw new Error('a change that can be published is never given up')
    },
    async onMark({ before }) {
      check()
      const { token } = held
      const marks = life
        .partitions()
        .map(({ partition, next }) => encodeMark({ mark: before, stream: life.stream(), token, at: next }, partition))
      life.appended(await writer.append(topic, marks))
    },
    onLost: async () => undefined,
  })
  const comparing = nowAndThen(
    COMPARE_EVERY_MS,
    () => life.compare(() => reader.bounds(topic)),
    (error) => log.debug({ reason: describeFault(error) }, 'the topic of changes cannot be looked at'),
  )
  return {
    wake: subscription.wake,
    async stop() {
      comparing.stop()
      await subscription.stop()
    },
    known: () => ({ stream: life.stream(), published: life.published() }),
  }
}
