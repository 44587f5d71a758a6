import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs'
import type { ConsumerListener, LogRecord, MessageConsumer } from '../../ports/message-log.ts'
import { type Client, faultOf, RETRY } from './client.ts'
import { within } from './writer.ts'

/** How long the broker waits for messages when there are none; a stop waits for that. */
const FETCH_WAIT_MS = 250
/** What one partition hands over at once: some thousands of changes. */
const FETCH_BYTES = 512 * 1024
/** And all partitions of a broker together. */
const FETCH_TOTAL_BYTES = 4 * 1024 * 1024
const HEARTBEATS_A_SESSION = 5
/** More partitions than this wait for each other within one process. */
const MAX_CONCURRENT_PARTITIONS = 64
const RESTART_BASE_MS = 250
const RESTART_MAX_MS = 5_000
/** Longer than two rebalances of a group that has just been left by the dead. */
const JOIN_LIMIT_MS = 120_000
const STOP_LIMIT_MS = 5_000

export type ConsumerOptions = { topic: string; group: string; sessionTimeoutMs: number; rebalanceTimeoutMs: number }

/**
 * One member of a group, over a kafkajs consumer that is replaced by a new one whenever it ends, for whatever reason: the
 * library itself begins again after some errors only, and with the connections that had failed.
 */
export function kafkaConsumer(client: Client, options: ConsumerOptions): MessageConsumer {
  const { log } = client
  let listener: ConsumerListener | null = null
  let current: Consumer | null = null
  let partitions: readonly number[] = []
  let stopped = false
  let failures = 0
  let joining: NodeJS.Timeout | undefined

  const again = (consumer: Consumer, reason: string): void => {
    if (stopped || consumer !== current) return
    current = null
    partitions = []
    failures += 1
    if (failures === 1) log.warn({ reason }, 'the consumer of changes has ended; another begins')
    else log.debug({ reason, failures }, 'the consumer of changes has ended; another begins')
    clearTimeout(joining)
    const longest = Math.min(RESTART_BASE_MS * 2 ** failures, RESTART_MAX_MS)
    void end(consumer)
      .then(() => new Promise((resolve) => setTimeout(resolve, longest * (0.5 + Math.random() / 2))))
      .then(begin)
  }
  const begin = async (): Promise<void> => {
    if (stopped || !listener) return
    const consumer = open(client, options)
    current = consumer
    joining = setTimeout(() => again(consumer, `has not joined within ${JOIN_LIMIT_MS} ms`), JOIN_LIMIT_MS)
    joining.unref()
    const onJoined = (assigned: number[]) => {
      if (consumer !== current) return
      partitions = assigned
      failures = 0
      clearTimeout(joining)
    }
    await run(consumer, options.topic, { listener, onJoined, onEnd: (reason) => again(consumer, reason) }).catch(
      (error) => again(consumer, faultOf(error)),
    )
  }
  return {
    async start(heard) {
      listener = heard
      void begin()
    },
    async commit(offsets) {
      if (!current || stopped) throw new Error('not a member of the group now')
      // The brokers look only whether it is a member, and would take it for any partition.
      if (!offsets.every(({ partition }) => partitions.includes(partition)))
        throw new Error('not this member’s partition now')
      await commitOf(current, options.topic, offsets)
    },
    restart: (reason) => (current ? again(current, reason) : undefined),
    async stop() {
      stopped = true
      clearTimeout(joining)
      if (current) await end(current)
      current = null
    },
  }
}

function open({ kafka }: Client, { group, sessionTimeoutMs, rebalanceTimeoutMs }: ConsumerOptions): Consumer {
  return kafka.consumer({
    groupId: group,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: rebalanceTimeoutMs,
    heartbeatInterval: Math.floor(sessionTimeoutMs / HEARTBEATS_A_SESSION),
    maxWaitTimeInMs: FETCH_WAIT_MS,
    maxBytesPerPartition: FETCH_BYTES,
    maxBytes: FETCH_TOTAL_BYTES,
    allowAutoTopicCreation: false,
    retry: { ...RETRY, restartOnFailure: async () => false },
  })
}

/** A consumer that is about to end takes a commit, sends none, and says nothing: only what it tells of is there. */
async function commitOf(consumer: Consumer, topic: string, offsets: Parameters<MessageConsumer['commit']>[0]) {
  let isKept = false
  const unhear = consumer.on('consumer.commit_offsets', ({ payload }) => {
    const kept = payload.topics.flatMap(({ partitions }) => partitions)
    const isThere = ({ partition, offset }: (typeof offsets)[number]) =>
      kept.some((each) => Number(each.partition) === partition && Number(each.offset) === offset)
    if (offsets.every(isThere)) isKept = true
  })
  try {
    await consumer.commitOffsets(
      offsets.map(({ partition, offset, note }) => ({ topic, partition, offset: String(offset), metadata: note })),
    )
  } finally {
    unhear()
  }
  if (!isKept) throw new Error('not a member of the group any more')
}

type Hooks = { listener: ConsumerListener; onJoined(partitions: number[]): void; onEnd(reason: string): void }

/** Resolves when it has joined, or failed to: then `onEnd` is told. */
async function run(consumer: Consumer, topic: string, { listener, onJoined, onEnd }: Hooks): Promise<void> {
  let assigning = Promise.resolve()
  consumer.on('consumer.crash', ({ payload }) => onEnd(faultOf(payload.error)))
  consumer.on('consumer.group_join', ({ payload }) => {
    const partitions = payload.memberAssignment[topic] ?? []
    onJoined(partitions)
    assigning = listener.onAssigned(partitions)
    assigning.catch((error) => onEnd(faultOf(error)))
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: MAX_CONCURRENT_PARTITIONS,
    eachBatch: async (payload) => {
      const mine = assigning
      await mine
      if (!payload.isRunning() || payload.isStale() || mine !== assigning) return
      await listener.onRecords(payload.batch.partition, recordsOf(payload), payload.heartbeat)
    },
  })
}

/** Leaves the group, where that can still be done; ends the connections. */
async function end(consumer: Consumer): Promise<void> {
  await within(STOP_LIMIT_MS, consumer.disconnect()).catch(() => undefined)
}

function recordsOf({ batch }: EachBatchPayload): LogRecord[] {
  return batch.messages.map(({ offset, key, value, headers }) => ({
    offset: Number(offset),
    key,
    value,
    headers: headersOf(headers),
  }))
}

function headersOf(headers: KafkaMessage['headers'] = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(Array.isArray(value) ? value[0] : value)]],
    ),
  )
}
