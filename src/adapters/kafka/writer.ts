import type { Producer } from 'kafkajs'
import type { MessageWriter } from '../../ports/message-log.ts'
import type { Client } from './client.ts'

/** By all that have to have it before it counts. */
const ALL_IN_SYNC = -1
const APPEND_LIMIT_MS = 30_000

/**
 * Each producer is idempotent: what the client itself sends again is there once. It must not outlive a failure, though:
 * kafkajs takes the numbers of what it gave up back and gives them to the next messages, and a broker that had in fact
 * stored the former takes the next for these once more, acknowledges them, and drops them.
 */
export function kafkaWriter({ kafka, partitioner }: Client): MessageWriter {
  let opening: Promise<Producer> | null = null

  const open = (): Promise<Producer> => {
    opening ??= (async () => {
      const producer = kafka.producer({
        idempotent: true,
        // One at a time: what is sent again comes before what is sent after it.
        maxInFlightRequests: 1,
        allowAutoTopicCreation: false,
        createPartitioner: partitioner,
      })
      try {
        await producer.connect()
        return producer
      } catch (error) {
        await producer.disconnect().catch(() => undefined)
        throw error
      }
    })()
    return opening
  }
  const discard = async (): Promise<void> => {
    const opened = opening
    opening = null
    await opened?.then((producer) => producer.disconnect()).catch(() => undefined)
  }
  return {
    async append(topic, messages) {
      const mine = open()
      try {
        const producer = await mine
        const sent = producer.send({ topic, messages, acks: ALL_IN_SYNC, timeout: APPEND_LIMIT_MS })
        const metadata = await within(APPEND_LIMIT_MS, sent)
        return metadata.map(({ partition, baseOffset }) => ({ partition, firstOffset: Number(baseOffset ?? -1) }))
      } catch (error) {
        if (opening === mine) void discard()
        throw error
      }
    },
    close: discard,
  }
}

/** `work` goes on behind the caller’s back; what it comes to is not heard. */
export async function within<Result>(limitMs: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Kafka has not answered within ${limitMs} ms`)), limitMs)
  })
  work.catch(() => undefined)
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
