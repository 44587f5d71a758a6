import { randomBytes } from 'node:crypto'
import type { Admin, Kafka } from 'kafkajs'
import { brokerMissing } from '../../scripts/kafka/java.ts'
import { type KafkaBroker, type KafkaBrokerOptions, startKafkaBroker } from '../../scripts/kafka-broker.ts'

/**
 * Why the tests over Kafka cannot run here, or null. Continuous integration never leaves them out: there, what is missing
 * is an error.
 */
export function kafkaMissing(): string | null {
  const why = brokerMissing()
  if (why !== null && process.env.CI) throw new Error(why)
  return why
}

/** `own`: even where a broker is shared. A test that kills it needs that, and gets it with any other option as well. */
export type TestKafkaOptions = Omit<KafkaBrokerOptions, 'dir'> & { own?: boolean }

/**
 * A broker in a temporary folder, or the one that TEST_KAFKA names, which scripts/with-kafka.ts has started for several
 * test files. Of a shared one take topics and groups by `freshTopics`.
 */
export async function startTestKafka({ own = false, ...options }: TestKafkaOptions = {}): Promise<KafkaBroker> {
  const shared = process.env.TEST_KAFKA
  if (!shared || own || Object.keys(options).length > 0) return startKafkaBroker(options)
  return sharedBroker(shared)
}

/** Begins the names of one test's topics and groups, so that tests over one broker don't meet. */
export function freshTopics(): string {
  return `test-${randomBytes(6).toString('hex')}-`
}

/** What `work` does with an administrator's connection, which is closed whatever happens. */
export async function asAdmin<Result>(
  { kafka }: { kafka: Kafka },
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

/** Tests write and delete, so it is on this machine, as nobody's real one should be. */
export function sharedBroker(brokers: string): KafkaBroker {
  const port = Number(/^127\.0\.0\.1:(\d{1,5})$/.exec(brokers)?.[1] ?? 0)
  if (port < 1 || port > 65_535) throw new Error(`TEST_KAFKA must be 127.0.0.1:port, and not ${brokers}`)
  const notOurs = (): never => {
    throw new Error('The Kafka broker is shared; ask startTestKafka for an own one')
  }
  return {
    port,
    brokers,
    pid: notOurs,
    caFile: null,
    kill: async () => notOurs(),
    freeze: notOurs,
    thaw: notOurs,
    start: async () => notOurs(),
    stop: async () => undefined,
    ended: async () => notOurs(),
    logTail: () => '',
  }
}
