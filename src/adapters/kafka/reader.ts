import type { Admin } from 'kafkajs'
import type { LogReader } from '../../ports/message-log.ts'
import type { Client } from './client.ts'
import { connected, reopening } from './connection.ts'

const READ_LIMIT_MS = 15_000

export function adminConnection({ kafka }: Client) {
  const { use, discard } = reopening(
    () => connected(kafka.admin()),
    (admin) => admin.disconnect(),
  )
  return {
    use: <Result>(work: (admin: Admin) => Promise<Result>): Promise<Result> => use(READ_LIMIT_MS, work),
    close: discard,
  }
}

export function kafkaReader(client: Client): LogReader {
  const { use, close } = adminConnection(client)
  return {
    bounds: (topic) =>
      use(async (admin) => {
        const offsets = await admin.fetchTopicOffsets(topic)
        return offsets
          .map(({ partition, low, high }) => ({ partition, first: Number(low), end: Number(high) }))
          .sort((a, b) => a.partition - b.partition)
      }),
    committed: (topic, group) =>
      use(async (admin) => {
        const found = await admin.fetchOffsets({ groupId: group, topics: [topic] })
        return found.flatMap(({ partitions }) =>
          partitions.map(({ partition, offset, metadata }) => ({
            partition,
            // Kafka's own words for nothing, the beginning and the end are negative.
            offset: Number(offset) < 0 ? null : Number(offset),
            note: metadata ?? '',
          })),
        )
      }),
    close,
  }
}
