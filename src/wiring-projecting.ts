import { kafkaConsumer } from './adapters/kafka/consumer.ts'
import { kafkaReader } from './adapters/kafka/reader.ts'
import { tracedConsumer } from './adapters/kafka/traced-log.ts'
import { kafkaWriter } from './adapters/kafka/writer.ts'
import { logFeed } from './adapters/log-feed/log-feed.ts'
import { subscribe } from './adapters/redis/subscriber.ts'
import { deleteChanges, outboxMark, sqlChanges } from './adapters/sql/changes.ts'
import { MAX_CLAIMED } from './adapters/sql/claiming.ts'
import { directFeed } from './adapters/sql/direct-feed.ts'
import { sqlParked } from './adapters/sql/parked.ts'
import { type RelayLease, relayLease } from './adapters/sql/relay-lease.ts'
import type { Config } from './config.ts'
import { keepMarks } from './jobs/keep-projected/keep-marks.ts'
import { type BuildListener, keepProjected } from './jobs/keep-projected/keep-projected.ts'
import type { RebuildJob, RebuildResult } from './jobs/rebuild/rebuild.ts'
import { rebuildRequests } from './jobs/rebuild/requests.ts'
import type { ReplayJob, ReplayResult } from './jobs/replay/replay.ts'
import { replayRequests } from './jobs/replay/requests.ts'
import type { FeedObserver } from './ports/feed-observer.ts'
import type { Tracing } from './ports/tracing.ts'
import type { Change, ChangeFeed, Database, FeedMark, Log, Subscription } from './ports.ts'
import type { Parts } from './wiring-core.ts'
import { redisUrl } from './wiring-core.ts'
import { openKafka, readyTopics } from './wiring-kafka.ts'
import type { Jobs } from './wiring-workers.ts'

/** Where Debezium carries changes: those that it has not brought after so long are taken out of the outbox itself. */
const OVERDUE_MS = 15_000
const OVERDUE_POLL_MS = 1_000

type Projecting = {
  parts: Parts
  observer: FeedObserver
  jobs: Jobs
  rebuild(job: RebuildJob): Promise<RebuildResult>
  replay(job: ReplayJob): Promise<ReplayResult>
  stop: AbortSignal
  listener: BuildListener
  tracing: Tracing | null
}

/** Changes → read models. */
export async function startProjecting(config: Config, log: Log, given: Projecting): Promise<Subscription> {
  const { parts, observer, jobs, rebuild, replay, stop, listener, tracing } = given
  const { redis, keys, guard, schemas, tally } = parts
  const projector = traced(parts.projector, tracing)
  const builds = rebuildRequests({ queue: jobs.rebuilds, redis, rebuild, stop, log })
  const replays = replayRequests({ queue: jobs.replays, replay, stop, log })
  const marks = keepMarks({ redis, keys, guard, askForReplay: replays.ask, ...config.feed, stop, log })
  const feeds = await openFeeds(config, log, { parts, stop, tracing, observe: both(observerOf(tally), observer) })
  const keeper = keepProjected({
    feeds: feeds.all,
    projector,
    marks,
    guard,
    schemas,
    askForBuild: builds.ask,
    listener,
    redisReady: redis.isReady,
    log,
  })
  const wakes = subscribe(redisUrl(config), keys.changed, keeper.wake, log)
  return {
    wake: keeper.wake,
    async stop() {
      wakes.close()
      await keeper.stop()
      await feeds.close()
    },
  }
}

function traced(projector: Parts['projector'], tracing: Tracing | null): Parts['projector'] {
  if (tracing === null) return projector
  const handle = (changes: Change[]) =>
    tracing.background({ group: 'projector', name: 'changes', items: changes.length }, () => projector.handle(changes))
  return { ...projector, handle }
}

type Feeding = { parts: Parts; stop: AbortSignal; tracing: Tracing | null; observe: FeedObserver }
type Feeds = { all: ChangeFeed[]; close(): Promise<void> }

/** The outbox, or Kafka; with Debezium both: it deletes no rows, and vouches for nothing, so the outbox does. */
async function openFeeds(config: Config, log: Log, { parts, stop, tracing, observe }: Feeding): Promise<Feeds> {
  const { kind, leaseMs } = config.feed
  const { database, truth } = parts
  const outbox = (overdueMs: number, pollMs = config.feed.pollMs) => {
    const changes = sqlChanges(database, { leaseMs, overdueMs })
    const lease = relayLease(database, { lease: 'changes', leaseMs })
    const mark = outboxMark(changes, truth)
    return directFeed({
      ...{ changes, truth, pollMs, leaseMs, log, observe, parked: sqlParked(database) },
      mark: besideRelays(mark, lease),
    })
  }
  if (kind === 'direct') return { all: [outbox(0)], close: async () => undefined }
  const kafka = await openKafka(config, log)
  await readyTopics(kafka, { changes: true, events: false }, log, stop)
  const { topics, group } = kafka.config
  const writer = kafkaWriter(kafka.client)
  const reader = kafkaReader(kafka.client)
  const { parkAnew } = sqlParked(database)
  const consumer = kafkaConsumer(kafka.client, { ...kafka.config, topic: topics.changes })
  const overKafka = logFeed({
    ...{ reader, writer, topics, group, parkAnew, truth, leaseMs, log, observe, epoch: parts.keys.epoch },
    consumer: tracing ? tracedConsumer(consumer, topics.changes, tracing) : consumer,
    deleteRows: (changeIds) => deleteAll(database, changeIds),
    // Debezium says nothing of how far it is: the outbox does.
    vouches: kind === 'kafka',
  })
  const close = async () => {
    await Promise.all([writer.close(), reader.close()])
  }
  return { all: kind === 'kafka' ? [overKafka] : [overKafka, outbox(OVERDUE_MS, OVERDUE_POLL_MS)], close }
}

async function deleteAll(database: Database, changeIds: number[]): Promise<void> {
  for (let from = 0; from < changeIds.length; from += MAX_CLAIMED) {
    await database.transaction((session) => deleteChanges(session, changeIds.slice(from, from + MAX_CLAIMED)))
  }
}

/**
 * What a relay has taken out of the outbox is on its way over Kafka, and nobody here knows how far: while there is one, the
 * outbox vouches for nothing; and after there was one it is another stream, so that all that may be there is replayed.
 */
function besideRelays(mark: () => Promise<FeedMark>, { look }: Pick<RelayLease, 'look'>) {
  return async (): Promise<FeedMark | null> => {
    const { before, stream } = await mark()
    // Looked at afterwards: what has been taken until the mark was made shows.
    const { token, isHeld } = await look()
    if (isHeld) return null
    return { before, stream: token === 0 ? stream : `${stream}.${token}` }
  }
}

function observerOf({ handled, counted, waiting }: Parts['tally']): FeedObserver {
  return {
    handled,
    retried: counted('retried'),
    parked: counted('parked'),
    unknown: counted('unknown'),
    claimsLost: counted('claimsLost'),
    waited: () => counted('waited')(1),
    waiting,
  }
}

function both(one: FeedObserver, other: FeedObserver): FeedObserver {
  const told =
    <Given extends unknown[]>(a: (...given: Given) => void, b: (...given: Given) => void) =>
    (...given: Given): void => {
      a(...given)
      b(...given)
    }
  return {
    handled: told(one.handled, other.handled),
    retried: told(one.retried, other.retried),
    parked: told(one.parked, other.parked),
    unknown: told(one.unknown, other.unknown),
    claimsLost: told(one.claimsLost, other.claimsLost),
    waited: told(one.waited, other.waited),
    waiting: told(one.waiting, other.waiting),
  }
}
