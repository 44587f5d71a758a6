import { type Client, kafkaClient } from './adapters/kafka/client.ts'
import { kafkaTopics, type TopicFinding, type WantedTopic } from './adapters/kafka/topics.ts'
import type { Config } from './config.ts'
import type { KafkaConfig } from './config-feed.ts'
import type { Log } from './ports.ts'
import { OutOfReachError } from './wiring-database.ts'

const DAY_MS = 86_400_000
/** Longer than anybody who consumes is away, or a person takes to look at what was parked. */
const RETENTION_MS = 7 * DAY_MS
const PARKED_RETENTION_MS = 30 * DAY_MS
const PARKED_PARTITIONS = 1
const TOPICS_AGAIN_MS = 2_000

type Needed = { changes: boolean; events: boolean }
export type Kafka = { client: Client; config: KafkaConfig }

export async function openKafka({ kafka: config }: Config, log: Log): Promise<Kafka> {
  if (config === null) throw new OutOfReachError('KAFKA_BROKERS is not set: host:port,host:port.')
  return { client: await kafkaClient(config, log), config }
}

/**
 * Sees to it, before anything begins, that the topics can serve. Those that are missing are made only where that is asked
 * for. A Kafka that is out of reach is no reason not to start: what is to be published waits, and the topics are seen to
 * when it is there, unless `stop` comes first.
 */
export async function readyTopics(kafka: Kafka, needed: Needed, log: Log, stop: AbortSignal): Promise<void> {
  try {
    await seeToTopics(kafka, needed, log)
  } catch (error) {
    if (error instanceof TopicsError) throw error
    log.warn({ reason: String(error) }, 'the topics cannot be checked yet')
    void keepTrying(() => seeToTopics(kafka, needed, log), log, stop)
  }
}

async function keepTrying(work: () => Promise<void>, log: Log, stop: AbortSignal): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, TOPICS_AGAIN_MS).unref())
    if (stop.aborted) return
    try {
      await work()
      return
    } catch (error) {
      if (!(error instanceof TopicsError)) continue
      // Too late to refuse the start: what is to be published, or projected, waits.
      log.warn({ what: error.message }, 'a topic cannot serve')
      return
    }
  }
}

async function seeToTopics({ client, config }: Kafka, needed: Needed, log: Log): Promise<void> {
  const topics = kafkaTopics(client)
  const wanted = wantedTopics(config, needed)
  try {
    if (config.createTopics) {
      for (const topic of await topics.make(wanted, config.replication)) log.info({ topic }, 'made a topic')
    }
    const findings = await topics.check(wanted)
    const refusal = findings.find(({ grade }) => grade === 'refusal')
    if (refusal) throw new TopicsError(`${refusal.what}; see \`users-service topics\`.`)
    for (const { what } of findings) log.warn({ what }, 'a topic should be looked at')
  } finally {
    await topics.close()
  }
}

export async function checkTopics(config: Config, log: Log): Promise<TopicFinding[]> {
  const kafka = await openKafka(config, log)
  const topics = kafkaTopics(kafka.client)
  return topics
    .check(wantedTopics(kafka.config, neededBy(config)))
    .catch(sayOutOfReach)
    .finally(topics.close)
}

/** Answers which were made. */
export async function makeTopics(config: Config, log: Log): Promise<string[]> {
  const kafka = await openKafka(config, log)
  const topics = kafkaTopics(kafka.client)
  const wanted = wantedTopics(kafka.config, neededBy(config))
  return topics.make(wanted, kafka.config.replication).catch(sayOutOfReach).finally(topics.close)
}

class TopicsError extends OutOfReachError {}

/** The client's own words say what is wrong: refused, unknown, a certificate. They hold no secret. */
function sayOutOfReach(error: unknown): never {
  throw new OutOfReachError(`Kafka cannot be asked (${String(error)}): is it running, and are the settings right?`)
}

/** Whoever asks while nothing is set yet is told of the changes. */
function neededBy({ feed, events }: Config): Needed {
  return { changes: feed.kind !== 'direct' || events === null, events: events !== null }
}

function wantedTopics({ topics, partitions }: KafkaConfig, { changes, events }: Needed): WantedTopic[] {
  const forChanges = [
    { topic: topics.changes, partitions, retentionMs: RETENTION_MS },
    { topic: topics.parked, partitions: PARKED_PARTITIONS, retentionMs: PARKED_RETENTION_MS },
  ]
  return [
    ...(changes ? forChanges : []),
    ...(events ? [{ topic: topics.events, partitions, retentionMs: RETENTION_MS }] : []),
  ]
}
