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
    /** Where the last message of each of these stands, and what the group has committed: for whoever looks for a fault. */
    async trace(entityIds: string[]): Promise<string> {
      const last = new Map<string, string>()
      const bounds = await withAdmin((admin) => admin.fetchTopicOffsets(topics.changes))
      const ends = new Map(bounds.map(({ partition, high }) => [partition, Number(high)]))
      const seen = new Map<number, number>()
      const consumer = kafka.consumer({ groupId: `${topics.group}-trace`, maxWaitTimeInMs: 100 })
      await consumer.connect()
      await consumer.subscribe({ topic: topics.changes, fromBeginning: true })
      await consumer.run({
        eachMessage: async ({ partition, message: { offset, value } }) => {
          const { entityId, changeId } = JSON.parse(String(value) || '{}') as { entityId?: string; changeId?: number }
          if (entityId !== undefined && entityIds.includes(entityId))
            last.set(entityId, `user ${entityId}: change ${changeId} at ${partition}/${offset}`)
          seen.set(partition, Number(offset) + 1)
        },
      })
      const isThrough = async () => [...ends].every(([partition, end]) => (seen.get(partition) ?? 0) >= end)
      await until('the topic is read', isThrough, TOPIC_LIMIT_MS).catch(() => undefined)
      await consumer.disconnect()
      const committed = await withAdmin((admin) =>
        admin.fetchOffsets({ groupId: topics.group, topics: [topics.changes] }),
      )
      return JSON.stringify({ last: [...last.values()], ends: [...ends], committed: committed[0]?.partitions })
    },
    parked: () => endOf(topics.parked),
    async remakeTopic(): Promise<void> {
      const before = await endOf(topics.changes)
      await withAdmin((admin) => admin.deleteTopics({ topics: [topics.changes] }))
      const topic = { topic: topics.changes, numPartitions: PARTITIONS, replicationFactor: 1 }
      // The broker forgets it in its own time; and one that answers too late has made it all the same.
      const make = async () => {
        await withAdmin((admin) => admin.createTopics({ topics: [topic], waitForLeaders: true })).catch(() => false)
        return (await endOf(topics.changes)) < before
      }
      await until('the topic is made again', () => make().catch(() => false), TOPIC_LIMIT_MS)
    },
    deleteGroup: () => withAdmin((admin) => admin.deleteGroups([topics.group])),
  }
}
