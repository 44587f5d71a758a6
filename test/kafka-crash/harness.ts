import type { Admin, Producer } from 'kafkajs'
import { kafkaClient } from '../../src/adapters/kafka/client.ts'
import { quiet, until } from '../support/service.ts'
import type { Topics } from './stage.ts'

const TOPIC_LIMIT_MS = 30_000
const PARTITIONS = 6

/** What somebody does to the topics who is not this service. */
export type Harness = Awaited<ReturnType<typeof openHarness>>

export async function openHarness(brokers: string, topics: Topics) {
  const { kafka } = await kafkaClient({ brokers: [brokers], tls: null, sasl: null }, quiet)
  /** With a connection of its own: the broker comes and goes. */
  const withAdmin = async <Result>(work: (admin: Admin) => Promise<Result>): Promise<Result> => {
    const admin = kafka.admin()
    await admin.connect()
    try {
      return await work(admin)
    } finally {
      await admin.disconnect()
    }
  }
  const withProducer = async (work: (producer: Producer) => Promise<unknown>): Promise<void> => {
    const producer = kafka.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    try {
      await work(producer)
    } finally {
      await producer.disconnect()
    }
  }
  const endOf = async (topic: string): Promise<number> =>
    (await withAdmin((admin) => admin.fetchTopicOffsets(topic))).reduce((sum, { high }) => sum + Number(high), 0)
  return {
    send: (messages: { partition: number; key: string | null; value: string | null }[]) =>
      withProducer((producer) => producer.send({ topic: topics.changes, messages })),
    published: () => endOf(topics.changes),
    parked: () => endOf(topics.parked),
    async remakeTopic(): Promise<void> {
      await withAdmin((admin) => admin.deleteTopics({ topics: [topics.changes] }))
      const topic = { topic: topics.changes, numPartitions: PARTITIONS, replicationFactor: 1 }
      // The broker forgets it in its own time.
      await until(
        'the topic is made again',
        () =>
          withAdmin((admin) => admin.createTopics({ topics: [topic], waitForLeaders: true })).catch(
            () => false as const,
          ),
        TOPIC_LIMIT_MS,
      )
    },
    deleteGroup: () => withAdmin((admin) => admin.deleteGroups([topics.group])),
  }
}
