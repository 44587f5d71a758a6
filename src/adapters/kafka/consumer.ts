import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs'
import type { ConsumerListener, LogRecord, MessageConsumer } from '../../ports/message-log.ts'
import { type Client, faultOf, METADATA_MAX_AGE_MS, RETRY } from './client.ts'
import { within } from './connection.ts'

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
/** Who has been a member for so long is well. */
const STABLE_MS = 10_000

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
  /** Settles when the present one has joined, or failed to: before that it cannot be ended, and would join nevertheless. */
  let joined: Promise<unknown> = Promise.resolve()

  const again = (consumer: Consumer, reason: string): void => {
    if (stopped || consumer !== current) return
    current = null
    partitions = []
    // What it had is nobody's until another has joined.
    void listener?.onAssigned([]).catch(() => undefined)
    failures += 1
    if (failures === 1) log.warn({ reason }, 'the consumer of changes has ended; another begins')
    else log.debug({ reason, failures }, 'the consumer of changes has ended; another begins')
    clearTimeout(joining)
    const longest = Math.min(RESTART_BASE_MS * 2 ** failures, RESTART_MAX_MS)
    void end(consumer, joined)
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
      partitions = assigned
      clearTimeout(joining)
      // One that joins, and ends with the first records, is not well.
      joining = setTimeout(() => {
        failures = 0
      }, STABLE_MS)
      joining.unref()
    }
    const isCurrent = () => consumer === current && !stopped
    const onEnd = (reason: string) => again(consumer, reason)
    const running = run(consumer, options.topic, { listener, isCurrent, onJoined, onEnd })
    joined = running.catch(() => undefined)
    await running.catch((error) => onEnd(faultOf(error)))
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
      if (current) await end(current, joined)
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
    metadataMaxAge: METADATA_MAX_AGE_MS,
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

type Hooks = {
  listener: ConsumerListener
  /** False: another has taken its place, and it may still be joining, or have records in hand. */
  isCurrent(): boolean
  onJoined(partitions: number[]): void
  onEnd(reason: string): void
}

/** Resolves when it has joined, or failed to: then `onEnd` is told. */
async function run(consumer: Consumer, topic: string, { listener, isCurrent, onJoined, onEnd }: Hooks): Promise<void> {
  let assigning = Promise.resolve()
  consumer.on('consumer.crash', ({ payload }) => onEnd(faultOf(payload.error)))
  consumer.on('consumer.group_join', ({ payload }) => {
    if (!isCurrent()) return
    const partitions = payload.memberAssignment[topic] ?? []
    onJoined(partitions)
    assigning = listener.onAssigned(partitions)
    assigning.catch((error) => onEnd(faultOf(error)))
  })
  const passed = (partition: number, lastOffset: string) => listener.onPassed(partition, Number(lastOffset) + 1)
  consumer.on('consumer.end_batch_process', ({ payload: { batchSize, partition, lastOffset } }) => {
    if (isCurrent() && batchSize === 0) passed(partition, lastOffset)
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    // It goes by the assignment at the batch's end: of several brokers, one may bring another while a batch is in hand.
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: MAX_CONCURRENT_PARTITIONS,
    eachBatch: async (payload) => {
      const mine = assigning
      const isMine = () => isCurrent() && payload.isRunning() && !payload.isStale() && mine === assigning
      await mine
      // One that has been replaced, and is a member all the same, would keep its partitions from everybody.
      if (!isCurrent()) throw new Error('another consumer has taken the place of this one')
      if (!isMine()) return
      await listener.onRecords(payload.batch.partition, recordsOf(payload), payload.heartbeat)
      if (!isMine()) return
      payload.resolveOffset(payload.batch.lastOffset())
      passed(payload.batch.partition, payload.batch.lastOffset())
    },
  })
}

/** Leaves the group and ends the connections, sooner or later; is not waited for longer than a while. */
async function end(consumer: Consumer, joined: Promise<unknown>): Promise<void> {
  const ended = joined.then(() => consumer.disconnect())
  await within(STOP_LIMIT_MS, ended).catch(() => undefined)
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
