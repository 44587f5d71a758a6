import type { Admin } from 'kafkajs'
import type { LogReader } from '../../ports/message-log.ts'
import type { Client } from './client.ts'
import { within } from './writer.ts'

const READ_LIMIT_MS = 15_000
const CLOSE_LIMIT_MS = 2_000

/** A connection that is made when it is needed, and anew after a failure. */
export function adminConnection({ kafka }: Client) {
  let opening: Promise<Admin> | null = null
  const open = (): Promise<Admin> => {
    opening ??= (async () => {
      const admin = kafka.admin()
      try {
        await admin.connect()
        return admin
      } catch (error) {
        await admin.disconnect().catch(() => undefined)
        throw error
      }
    })()
    return opening
  }
  const discard = async (): Promise<void> => {
    const opened = opening
    opening = null
    const ended = opened?.then((admin) => admin.disconnect())
    await within(CLOSE_LIMIT_MS, Promise.resolve(ended)).catch(() => undefined)
  }
  return {
    async use<Result>(work: (admin: Admin) => Promise<Result>): Promise<Result> {
      const mine = open()
      try {
        return await within(READ_LIMIT_MS, mine.then(work))
      } catch (error) {
        if (opening === mine) void discard()
        throw error
      }
    },
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
