import { setTimeout as wait } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import type { Client } from './client.ts'
import { adminConnection } from './reader.ts'

/** `refusal`: it cannot work. `warning`: it works, and somebody should look. */
export type TopicFinding = { grade: 'refusal' | 'warning'; what: string }
export type WantedTopic = { topic: string; partitions: number; retentionMs: number }

const DAY_MS = 86_400_000
/** A worker that was away over a weekend finds all that it missed. */
const LEAST_RETENTION_MS = 3 * DAY_MS
const MAKE_LIMIT_MS = 10_000
const MADE_POLL_MS = 50
/** `producer`: as whoever writes has it; this service does not compress. The empty one is of a broker that does not say. */
const READABLE_COMPRESSIONS = ['producer', 'uncompressed', 'gzip', '']
/** Where there are so many copies, two have to have a message before it counts: then one disk may be lost. */
const COPIES_FOR_TWO_IN_SYNC = 3

export function kafkaTopics(client: Client) {
  const { use, close } = adminConnection(client)
  return {
    /** What is missing or wrong, changing nothing. Rejects while Kafka is out of reach. */
    check: (wanted: WantedTopic[]): Promise<TopicFinding[]> =>
      use(async (admin) => {
        const there = new Set(await admin.listTopics())
        const missing = wanted.filter(({ topic }) => !there.has(topic))
        const found = await Promise.all(
          wanted.filter(({ topic }) => there.has(topic)).map((each) => checkTopic(admin, client.topicResource, each)),
        )
        return [
          ...missing.map(({ topic }): TopicFinding => ({ grade: 'refusal', what: `there is no topic ${topic}` })),
          ...found.flat(),
        ]
      }),
    /** Makes those that are missing, with as many copies as there are brokers for. Answers which. */
    make: (wanted: WantedTopic[], replication: number): Promise<string[]> =>
      use(async (admin) => {
        const there = new Set(await admin.listTopics())
        const missing = wanted.filter(({ topic }) => !there.has(topic))
        if (missing.length === 0) return []
        const { brokers } = await admin.describeCluster()
        const copies = Math.max(1, Math.min(replication, brokers.length))
        await admin.createTopics({
          // The client does not wait for it: it fails while a broker has not heard of the topic.
          waitForLeaders: false,
          timeout: MAKE_LIMIT_MS,
          topics: missing.map(({ topic, partitions, retentionMs }) => ({
            topic,
            numPartitions: partitions,
            replicationFactor: copies,
            configEntries: [
              { name: 'cleanup.policy', value: 'delete' },
              { name: 'retention.ms', value: String(retentionMs) },
              { name: 'min.insync.replicas', value: copies >= COPIES_FOR_TWO_IN_SYNC ? '2' : '1' },
            ],
          })),
        })
        const made = missing.map(({ topic }) => topic)
        await untilServed(admin, made)
        return made
      }),
    close,
  }
}

/** A topic that has been made is known to each broker a moment later. */
async function untilServed(admin: Admin, made: string[]): Promise<void> {
  const isServed = async (): Promise<boolean> => {
    const { topics } = await admin.fetchTopicMetadata({ topics: made })
    return topics.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0))
  }
  for (const deadline = performance.now() + MAKE_LIMIT_MS; !(await isServed().catch(() => false)); ) {
    if (performance.now() > deadline) throw new Error(`what was made is not served within ${MAKE_LIMIT_MS} ms`)
    await wait(MADE_POLL_MS)
  }
}

async function checkTopic(
  admin: Admin,
  topicResource: number,
  { topic, partitions }: WantedTopic,
): Promise<TopicFinding[]> {
  const [metadata] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [
      {
        type: topicResource,
        name: topic,
        configNames: ['cleanup.policy', 'retention.ms', 'min.insync.replicas', 'compression.type'],
      },
    ],
  })
  const entries = resources[0]?.configEntries ?? []
  const settingOf = (name: string) => entries.find(({ configName }) => configName === name)?.configValue ?? ''
  const copies = Math.min(...(metadata?.partitions ?? []).map(({ replicas }) => replicas.length))
  const [retentionMs, inSync] = [Number(settingOf('retention.ms')), Number(settingOf('min.insync.replicas'))]
  const compression = settingOf('compression.type')
  const findings: (TopicFinding | false)[] = [
    !READABLE_COMPRESSIONS.includes(compression) && {
      grade: 'refusal',
      what: `${topic} is compressed by ${compression}, which cannot be read here; set compression.type=producer`,
    },
    settingOf('cleanup.policy').includes('compact') && {
      grade: 'refusal',
      what: `${topic} is compacted: its messages say that something changed, and all count; set cleanup.policy=delete`,
    },
    retentionMs >= 0 &&
      retentionMs < LEAST_RETENTION_MS && {
        grade: 'warning',
        what: `${topic} keeps messages for ${Math.round(retentionMs / 3_600_000)} h only; who is away for longer must look at all since the mark`,
      },
    (metadata?.partitions.length ?? 0) < partitions && {
      grade: 'warning',
      what: `${topic} has ${metadata?.partitions.length} partitions; no more workers than that share its work`,
    },
    copies === 1 && { grade: 'warning', what: `${topic} has one copy: it is gone with its broker’s disk` },
    copies > 1 &&
      inSync < 2 && {
        grade: 'warning',
        what: `${topic} counts a message as kept when one broker has it; set min.insync.replicas=2`,
      },
  ]
  return findings.filter((finding) => finding !== false)
}
