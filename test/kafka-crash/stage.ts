import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Redis } from 'ioredis'
import { type Processes, processes } from '../../bench/processes.ts'
import { type KafkaBroker, startKafkaBroker } from '../../scripts/kafka-broker.ts'
import { bulkLoad } from '../../src/adapters/sqlite/bulk-load.ts'
import { seedRoles } from '../../src/jobs/seed/roles.ts'
import { seedUsers } from '../../src/jobs/seed/users.ts'
import { readModelKeys } from '../../src/projections/keys.ts'
import { kafkaEnvironment } from '../support/feeds.ts'
import { startTestRedis } from '../support/redis.ts'
import { until } from '../support/service.ts'
import { type Checked, keepHistory } from './checks.ts'
import { type Member, member } from './fleet.ts'
import { type Harness, openHarness } from './harness.ts'

const BUILD_LIMIT_MS = 60_000
const BURST_SHARE = 8
const GROUP_SESSION_MS = 2_000
/** Who has died within a rebalance is waited for as long; a worker of this test takes far less to come back to the group. */
const GROUP_REBALANCE_MS = 3_000
/** Longer than any writer is stopped within a transaction, and short, so that a replay depends on the mark. */
const LONGEST_TRANSACTION_MS = 30_000

export type Topics = { changes: string; parked: string; group: string }
export type Stage = Checked & {
  broker: KafkaBroker
  harness: Harness
  topics: Topics
  relays: Member[]
  projectors: Member[]
  /** How often any of the processes has said that, since the beginning. */
  said(text: string): number
  /** Changes some hundred users, at once. */
  burst(): void
  /** One more that comes and goes. */
  guest: () => Member
}

/** A database, a Redis, a broker, two relays and two projecting workers, each a process of its own. */
export async function setStage(stack: AsyncDisposableStack, users: number, seed: number): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-crash-'))
  stack.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }))
  const started: Processes = processes(stack, dir)
  const path = join(dir, 'users.db')
  bulkLoad({ path, roles: seedRoles(), users: seedUsers({ count: users, seed }), onProgress: () => undefined })
  // Never waited for: a process that was stopped in the middle of a transaction holds it for as long.
  const database = new DatabaseSync(path, { timeout: 0 })
  stack.defer(() => database.close())
  keepHistory(database)
  const epoch = String(database.prepare('SELECT epoch FROM service_epoch').get()?.epoch)
  const server = await startTestRedis()
  stack.defer(server.stop)
  const redis = new Redis(server.url, { protocol: 2 })
  stack.defer(() => redis.disconnect())
  const broker = await startKafkaBroker({ settings: { 'group.min.session.timeout.ms': '1000' } })
  stack.defer(broker.stop)
  const kafka = kafkaEnvironment(broker.brokers)
  const env = {
    ...kafka,
    KAFKA_PARTITIONS: '6',
    KAFKA_SESSION_TIMEOUT_MS: String(GROUP_SESSION_MS),
    KAFKA_REBALANCE_TIMEOUT_MS: String(GROUP_REBALANCE_MS),
    LONGEST_TRANSACTION_MS: String(LONGEST_TRANSACTION_MS),
    DATA_DIR: dir,
    REDIS_URL: server.url,
    LOG_FORMAT: 'json',
    LOG_LEVEL: process.env.CRASH_LOG ?? 'info',
  }
  const topics = {
    changes: kafka.KAFKA_CHANGES_TOPIC ?? '',
    parked: `${kafka.KAFKA_CHANGES_TOPIC}.parked`,
    group: kafka.KAFKA_GROUP ?? '',
  }
  const relays = ['relay-1', 'relay-2'].map((name) => member(started, name, ['work', 'relay'], env))
  const projectors = ['project-1', 'project-2'].map((name) => member(started, name, ['work', 'project'], env))
  const keys = readModelKeys(epoch)
  await until('the read models are built', () => redis.get(keys.home.built), BUILD_LIMIT_MS)
  await until('there is a mark', () => redis.get(keys.home.mark), BUILD_LIMIT_MS)
  const harness = await openHarness(broker.brokers, topics)
  const guest = () => member(started, 'guest', ['work', 'project'], env)
  let bursts = 0
  const burst = () => {
    bursts += 1
    try {
      database
        .prepare('UPDATE users SET job_title = ? WHERE MOD(user_id, ?) = ?')
        .run(`Burst ${bursts}`, BURST_SHARE, bursts % BURST_SHARE)
    } catch {
      // Somebody was stopped within a transaction: then there is something in hand as well.
    }
  }
  const said = (text: string) =>
    readdirSync(dir)
      .filter((name) => name.endsWith('.log'))
      .reduce((sum, name) => sum + readFileSync(join(dir, name), 'utf8').split(text).length - 1, 0)
  return { burst, said, broker, harness, topics, database, redis, keys, relays, projectors, guest, users }
}
