import type { Producer } from 'kafkajs'
import type { Appended, MessageWriter, OutgoingMessage } from '../../ports/message-log.ts'
import { type Client, METADATA_MAX_AGE_MS } from './client.ts'
import { connected, reopening } from './connection.ts'

/** By all that have to have it before it counts. */
const ALL_IN_SYNC = -1
/** The broker's own limit for that, and ours for the whole. */
const IN_SYNC_LIMIT_MS = 10_000
const APPEND_LIMIT_MS = 20_000

/**
 * Each producer is idempotent: what the client itself sends again is there once. It must not outlive a failure, though:
 * kafkajs takes the numbers of what it gave up back and gives them to the next messages, and a broker that had in fact
 * stored the former takes the next for these once more, acknowledges them, and drops them. So appends go one after the
 * other, and after a failure by another producer.
 */
export function kafkaWriter(client: Client): MessageWriter {
  const { use, discard } = reopening(
    () => open(client),
    ({ producer }) => producer.disconnect(),
  )
  let last: Promise<unknown> = Promise.resolve()
  const closing = Promise.withResolvers<never>()
  closing.promise.catch(() => undefined)
  let isClosed = false

  return {
    append(topic, messages) {
      const append = () => use(APPEND_LIMIT_MS, (opened) => send(opened, topic, messages))
      // Nothing is opened any more once it is closed: nobody would end it.
      const mine = last.then(() => (isClosed ? closing.promise : Promise.race([append(), closing.promise])))
      last = mine.catch(() => undefined)
      return mine
    },
    async close() {
      isClosed = true
      closing.reject(new Error('the connection to Kafka is being closed'))
      await discard()
    },
  }
}

type Opened = { producer: Producer; partitionOf(message: OutgoingMessage): number | undefined }

async function open({ kafka, partitioner }: Client): Promise<Opened> {
  // Where a message went the client does not say; whoever chooses knows.
  const chosen = new WeakMap<object, number>()
  const producer = kafka.producer({
    idempotent: true,
    // One at a time: what is sent again comes before what is sent after it.
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    createPartitioner: () => {
      const choose = partitioner()
      return (about) => {
        const partition = choose(about)
        chosen.set(about.message, partition)
        return partition
      }
    },
  })
  await connected(producer)
  return { producer, partitionOf: (message) => chosen.get(message) }
}

async function send(
  { producer, partitionOf }: Opened,
  topic: string,
  messages: OutgoingMessage[],
): Promise<Appended[]> {
  const metadata = await producer.send({ topic, messages, acks: ALL_IN_SYNC, timeout: IN_SYNC_LIMIT_MS })
  const firstOffsets = new Map(metadata.map(({ partition, baseOffset }) => [partition, Number(baseOffset ?? -1)]))
  const appended: Appended[] = []
  for (const [partition, sent] of Map.groupBy(messages, partitionOf)) {
    const firstOffset = partition === undefined ? undefined : firstOffsets.get(partition)
    // What is for a partition that the producer has not heard of it drops without a word.
    if (partition === undefined || firstOffset === undefined) throw new Error('a partition is not known yet')
    appended.push({ partition, firstOffset, count: sent.length })
  }
  return appended
}
