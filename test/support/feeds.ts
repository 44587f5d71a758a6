import { kafkaClient } from '../../src/adapters/kafka/client.ts'
import { kafkaReader } from '../../src/adapters/kafka/reader.ts'
import { waitingIn } from '../../src/adapters/log-feed/watching.ts'
import { freshTopics, startTestKafka } from './kafka.ts'

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
/** As short as goes: a test that ends a relay waits for the next one. */
const RELAY_LEASE_MS = '1000'
const PARTITIONS = '3'
const SESSION_TIMEOUT_MS = '6000'

export type TestFeed = {
  /** By which a service finds it. */
  environment: Record<string, string>
  /** Whether changes need a relay beside the projecting worker. */
  isRelayed: boolean
  /** Whether everything has been handled that had left the outbox. */
  isDrained(): Promise<boolean>
  close(): Promise<void>
}

/** The outbox itself; with TEST_FEED=kafka a topic of the test's own. */
export async function openTestFeed(): Promise<TestFeed> {
  if (process.env.TEST_FEED !== 'kafka')
    return { environment: {}, isRelayed: false, isDrained: async () => true, close: async () => undefined }
  const { brokers } = await startTestKafka()
  const environment = kafkaEnvironment(brokers)
  const reader = kafkaReader(await kafkaClient({ brokers: [brokers], tls: null, sasl: null }, quiet))
  const { KAFKA_CHANGES_TOPIC: topic = '', KAFKA_GROUP: group = '' } = environment
  const isDrained = async () => waitingIn(await reader.bounds(topic), await reader.committed(topic, group)) === 0
  return { environment, isRelayed: true, isDrained, close: reader.close }
}

/** Topics and a group of nobody else's, which the workers make. */
export function kafkaEnvironment(brokers: string): Record<string, string> {
  const prefix = freshTopics()
  return {
    FEED: 'kafka',
    KAFKA_BROKERS: brokers,
    KAFKA_CHANGES_TOPIC: `${prefix}changes`,
    KAFKA_EVENTS_TOPIC: `${prefix}events`,
    KAFKA_GROUP: `${prefix}group`,
    KAFKA_CREATE_TOPICS: 'on',
    KAFKA_PARTITIONS: PARTITIONS,
    KAFKA_SESSION_TIMEOUT_MS: SESSION_TIMEOUT_MS,
    KAFKA_REBALANCE_TIMEOUT_MS: SESSION_TIMEOUT_MS,
    RELAY_LEASE_MS,
  }
}
