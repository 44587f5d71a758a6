import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Redis } from 'ioredis'
import { type KafkaBroker, startKafkaBroker } from '../../scripts/kafka-broker.ts'
import { kafkaClient } from '../../src/adapters/kafka/client.ts'
import { kafkaReader } from '../../src/adapters/kafka/reader.ts'
import { startTestRedis, type TestRedis } from '../../test/support/redis.ts'
import { exchange, type Running, untilDone } from '../processes.ts'
import { type Data, type Stage, seedData, setStage } from '../stage.ts'
import { type Topic, topicOf } from './topic.ts'
import { until, type Worker } from './waiting.ts'
import type { Order, Written } from './writer.ts'

export const PARTITIONS = 6
/** Kafka's own default, and what the start of several workers takes: so they share out the partitions once, together. */
const JOIN_TOGETHER_MS = 3_000
const READY_LIMIT_MS = 60_000

export type SideName = 'direct' | 'kafka'
/** One way of changes, with a database and a Redis of its own, so that neither knows of the other. */
export type Side = {
  name: SideName
  server: TestRedis
  redis: Redis
  data: Data
  /** The oldest change that waits in the database; null: none. Numbers are given without gaps. */
  oldest(): number | null
  write(order: Order): Promise<Written>
  start(what: 'project' | 'relay'): Worker
}
export type Rig = { stage: Stage; direct: Side; kafka: Side; broker: KafkaBroker; topic: Topic }

/** Both sides begin with the same people and the same read models. Nothing of the service runs. */
export async function setRig(stack: AsyncDisposableStack, users: number, say: Stage['say']): Promise<Rig> {
  const stage = await setStage(stack, say)
  // For the load generator, which is not needed here.
  await stage.generator.stop()
  const direct = await seedData(stage, users)
  const copy = join(stage.dir, 'data-kafka')
  await cp(direct.dir, copy, { recursive: true })
  const server = await started(stack, startTestRedis())
  const redis = new Redis(server.url)
  stack.defer(() => redis.disconnect())

  stage.say('starting the broker')
  const dir = join(stage.dir, 'kafka')
  const settings = { 'group.initial.rebalance.delay.ms': String(JOIN_TOGETHER_MS) }
  const broker = await started(stack, startKafkaBroker({ dir, settings }))
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  const reader = kafkaReader(await kafkaClient({ brokers: [broker.brokers], tls: null, sasl: null }, quiet))
  stack.defer(reader.close)

  const overKafka = {
    FEED: 'kafka',
    KAFKA_BROKERS: broker.brokers,
    KAFKA_CREATE_TOPICS: 'on',
    KAFKA_PARTITIONS: String(PARTITIONS),
  }
  const copied = { ...direct, dir: copy, path: join(copy, 'users.db') }
  const sideOf = (side: Pick<Side, 'name' | 'server' | 'redis' | 'data'>, env: NodeJS.ProcessEnv) =>
    openSide(stack, stage, side, env)
  const rig = {
    stage,
    broker,
    topic: topicOf(reader, dir),
    direct: sideOf({ name: 'direct', server: stage.server, redis: stage.redis, data: direct }, {}),
    kafka: sideOf({ name: 'kafka', server, redis, data: copied }, overKafka),
  }
  await build(rig, rig.direct)
  await build(rig, rig.kafka)
  return rig
}

/** Ended while it starts, by Ctrl-C for example, it is stopped as soon as that can be done, and before its folder goes. */
async function started<Server extends { stop(): Promise<void> }>(
  stack: AsyncDisposableStack,
  starting: Promise<Server>,
): Promise<Server> {
  stack.defer(() =>
    starting.then(
      ({ stop }) => stop(),
      () => undefined,
    ),
  )
  return starting
}

function openSide(
  stack: AsyncDisposableStack,
  { processes }: Stage,
  side: Pick<Side, 'name' | 'server' | 'redis' | 'data'>,
  env: NodeJS.ProcessEnv,
): Side {
  const database = new DatabaseSync(side.data.path, { readOnly: true })
  stack.defer(() => database.close())
  const oldest = database.prepare('SELECT MIN(change_id) AS oldest FROM entity_changes')
  const writer = processes.helper(`writer-${side.name}`, 'kafka/writer.ts', [side.data.path])
  let started = 0
  return {
    ...side,
    oldest: () => (oldest.get() as { oldest: number | null }).oldest,
    write: (order) => exchange<Written>(writer, order),
    start(what) {
      started += 1
      const name = `${side.name}-${what}-${started}`
      const running = processes.service(name, ['work', what], {
        ...env,
        DATA_DIR: side.data.dir,
        REDIS_URL: side.server.url,
        // By what they say one sees that they are ready.
        LOG_LEVEL: 'info',
        LOG_FORMAT: 'json',
        // People were made up a moment ago: else a new way of changes begins with projecting all of them again.
        LONGEST_TRANSACTION_MS: '1000',
      })
      return { name, running }
    },
  }
}

/** Read models of everybody, and marks that come from this side's own stream: nothing is left to catch up with. */
async function build({ stage, topic }: Rig, side: Side): Promise<void> {
  const { redis, data, server } = side
  stage.say(`${side.name}: building the read models`)
  const name = `rebuild-${side.name}`
  const rebuilding = stage.processes.service(name, ['rebuild'], { DATA_DIR: data.dir, REDIS_URL: server.url })
  await untilDone(rebuilding, 'rebuild').catch((error) => {
    throw new Error(`${error.message}:\n${stage.processes.lastWords(name)}`)
  })
  stage.say(`${side.name}: until its marks count`)
  const workers = startWorkers(side, 1)
  await until('the marks come from the stream of this side', READY_LIMIT_MS, stage, workers, async () => {
    const stream = await redis.get(data.keys.stream)
    return stream !== null && (stream === 'direct') === (side.name === 'direct')
  })
  await stopAll(workers)
  // As many partitions as there should be.
  if (side.name === 'kafka') await topic.ends(PARTITIONS)
}

/** What a side needs to follow changes. */
export function startWorkers(side: Side, projectors: number): Worker[] {
  const relay = side.name === 'kafka' ? [side.start('relay')] : []
  return [...relay, ...Array.from({ length: projectors }, () => side.start('project'))]
}

export async function stopAll(workers: { running: Running }[]): Promise<void> {
  await Promise.all(workers.map(({ running }) => running.stop()))
}
