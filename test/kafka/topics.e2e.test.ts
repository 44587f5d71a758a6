import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import type { KafkaBroker } from '../../scripts/kafka-broker.ts'
import type { Client } from '../../src/adapters/kafka/client.ts'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { readModelKeys } from '../../src/projections/keys.ts'
import { kafkaEnvironment } from '../support/feeds.ts'
import { asAdmin, kafkaMissing, startTestKafka } from '../support/kafka.ts'
import { startTestRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/service.ts'
import { makeTopic, openClient, openPlace, startProcess } from './rig.ts'

const skip = kafkaMissing() ?? false
/** The client gives up after some 10 s. */
const OUT_OF_REACH_LIMIT_MS = 45_000
const RUN_LIMIT_MS = 30_000
const WORKS_LIMIT_MS = 40_000
const DAY_MS = 86_400_000

/** Where the broker is. */
let port: number
let broker: KafkaBroker | null = null
let redis: TestRedis
let client: Client
before(async () => {
  if (skip) return
  port = await freePort()
  redis = await startTestRedis()
  client = await openClient(`127.0.0.1:${port}`)
})
after(async () => {
  await broker?.stop()
  await redis?.stop()
})
const startBroker = async () => {
  broker ??= await startTestKafka({ port })
}

/** Settings of a service whose topics are not there, and nobody makes unasked. */
function settings(differing: Record<string, string> = {}) {
  const environment: Record<string, string> = {
    ...kafkaEnvironment(`127.0.0.1:${port}`),
    KAFKA_CREATE_TOPICS: 'off',
    LOG_LEVEL: 'warn',
    ...differing,
  }
  const changes = environment.KAFKA_CHANGES_TOPIC ?? ''
  return { environment, changes, parked: `${changes}.parked`, events: environment.KAFKA_EVENTS_TOPIC ?? '' }
}

const run = (t: TestContext, args: string[], environment: Record<string, string>) =>
  startProcess(t, args, environment).ended(RUN_LIMIT_MS)
const topics = (t: TestContext, what: 'check' | 'apply', environment: Record<string, string>) =>
  run(t, ['topics', what], environment)

async function describeTopic(topic: string) {
  return asAdmin(client, async (admin) => {
    const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: client.topicResource, name: topic, configNames: ['cleanup.policy', 'retention.ms'] }],
    })
    const entries = resources[0]?.configEntries ?? []
    const of = (name: string) => entries.find(({ configName }) => configName === name)?.configValue
    return { partitions: found?.partitions.length, policy: of('cleanup.policy'), retention: Number(of('retention.ms')) }
  })
}
const allTopics = () => asAdmin(client, (admin) => admin.listTopics())

/** One sentence, and no stack. */
function assertSentence(text: string, what: RegExp): void {
  assert.match(text, what)
  assert.match(text, /^[^\n]+\n$/, 'one line')
  assert.doesNotMatch(text, /\n\s+at |Error:/)
}

/** Whether what an older program writes gets to Redis. */
async function projects(t: TestContext, { epoch, sql }: Awaited<ReturnType<typeof openPlace>>): Promise<void> {
  const raw = new Redis(redis.url, { protocol: 2 })
  t.after(() => raw.disconnect())
  const title = `Title ${crypto.randomUUID()}`
  sql('UPDATE users SET job_title = ? WHERE user_id = 1', title)
  const stored = async () =>
    Object.values(await raw.hgetall(readModelKeys(epoch).user(1)))
      .join()
      .includes(title)
  await until('it is projected', stored, WORKS_LIMIT_MS)
}

describe('before there is a broker', { skip, concurrency: 2 }, () => {
  test('without a broker’s address, and without a broker, it is one sentence', async (t) => {
    const { environment } = settings()
    const nowhere = { ...environment, KAFKA_BROKERS: '127.0.0.1:1' }
    const began = performance.now()
    const answers = await Promise.all([
      topics(t, 'check', { LOG_LEVEL: 'warn' }),
      topics(t, 'apply', {}),
      topics(t, 'check', nowhere),
      topics(t, 'apply', nowhere),
    ])
    assert.ok(performance.now() - began < OUT_OF_REACH_LIMIT_MS, `${performance.now() - began} ms`)
    assert.deepEqual(
      answers.map(({ code, out }) => [code, out]),
      answers.map(() => [1, '']),
    )
    for (const { err } of answers.slice(0, 2)) assertSentence(err, /KAFKA_BROKERS is not set/)
    for (const { err } of answers.slice(2)) assertSentence(err, /Kafka cannot be asked/)
  })

  test('workers start, say that they wait, and work when it comes and the topics are made', async (t) => {
    const place = await openPlace(t, 2)
    // One that no other test has started.
    const own = await freePort()
    const ours = { DATA_DIR: place.dir, REDIS_URL: redis.url, LOG_LEVEL: 'info' }
    const { environment } = settings({ ...ours, KAFKA_BROKERS: `127.0.0.1:${own}` })
    const workers = [startProcess(t, ['work', 'relay'], environment), startProcess(t, ['work', 'project'], environment)]
    await Promise.all(workers.map(({ says }) => says('"working"', OUT_OF_REACH_LIMIT_MS)))
    for (const { said } of workers) assert.match(said.out, /the topics cannot be checked yet/)
    assert.ok(place.count('entity_changes') > 0)
    const late = await startTestKafka({ port: own })
    t.after(() => late.stop())
    assert.equal((await topics(t, 'apply', environment)).code, 0)
    await until('the outbox is empty', async () => place.count('entity_changes') === 0, WORKS_LIMIT_MS)
    await projects(t, place)
    for (const worker of workers) worker.kill('SIGTERM')
    for (const worker of workers) {
      const { code, err } = await worker.ended()
      assert.deepEqual([code, err], [0, ''])
    }
  })
})

describe('topics', { skip, concurrency: 3 }, () => {
  before(startBroker)

  test('check names what is missing, apply makes it as it should be, and check is content', async (t) => {
    const { environment, changes, parked, events } = settings({ EVENTS: 'on' })
    const missing = await topics(t, 'check', environment)
    assert.equal(missing.code, 1, missing.err)
    for (const topic of [changes, parked, events])
      assert.ok(missing.out.includes(`refusal: there is no topic ${topic}\n`))
    assert.match(missing.out, /\n3 to be mended first\n$/)
    assert.equal((await allTopics()).includes(changes), false, 'check makes nothing')

    const made = await topics(t, 'apply', environment)
    assert.deepEqual([made.code, made.err], [0, ''])
    assert.equal(made.out, `made ${changes}\nmade ${parked}\nmade ${events}\n`)
    const week = { policy: 'delete', retention: 7 * DAY_MS }
    assert.deepEqual(await describeTopic(changes), { partitions: 3, ...week })
    assert.deepEqual(await describeTopic(events), { partitions: 3, ...week })
    assert.deepEqual(await describeTopic(parked), { partitions: 1, policy: 'delete', retention: 30 * DAY_MS })

    const [content, again] = await Promise.all([topics(t, 'check', environment), topics(t, 'apply', environment)])
    assert.equal(content.code, 0)
    assert.ok(content.out.includes(`warning: ${changes} has one copy`), content.out)
    assert.doesNotMatch(content.out, /refusal/)
    assert.match(content.out, /\nthese topics can serve\n$/)
    assert.deepEqual([again.code, again.out], [0, 'nothing is missing\n'])
  })

  test('a compacted topic is refused; few partitions and a short memory are warned of; apply alters nothing', async (t) => {
    const { environment, changes, parked } = settings()
    await Promise.all([
      makeTopic(client, 1, {
        topic: changes,
        config: { 'cleanup.policy': 'compact', 'retention.ms': '3600000' },
      }),
      makeTopic(client, 1, { topic: parked }),
    ])
    const { code, out } = await topics(t, 'check', environment)
    assert.equal(code, 1)
    assert.ok(out.includes(`refusal: ${changes} is compacted: `), out)
    assert.ok(out.includes(`warning: ${changes} keeps messages for 1 h only`), out)
    assert.ok(out.includes(`warning: ${changes} has 1 partitions`), out)
    assert.match(out, /\n1 to be mended first\n$/)
    assert.equal((await topics(t, 'apply', environment)).out, 'nothing is missing\n')
    assert.deepEqual(await describeTopic(changes), { partitions: 1, policy: 'compact', retention: 3_600_000 })
  })

  test('workers that find a topic missing say so and end', async (t) => {
    const place = await openPlace(t, 1)
    const { environment, changes } = settings({ DATA_DIR: place.dir, REDIS_URL: redis.url, LOG_LEVEL: 'info' })
    const refused = await Promise.all([
      run(t, ['work', 'relay'], environment),
      run(t, ['work', 'project'], environment),
    ])
    for (const { code, err } of refused) {
      assert.equal(code, 1, err)
      assertSentence(err, new RegExp(`^there is no topic ${changes}; see .users-service topics.\\.`))
    }
    assert.equal((await allTopics()).includes(changes), false)
  })

  test('workers that are to make what is missing do so, and work', async (t) => {
    const place = await openPlace(t, 2)
    const {
      environment: making,
      changes,
      parked,
    } = settings({
      ...{ DATA_DIR: place.dir, REDIS_URL: redis.url, LOG_LEVEL: 'info', KAFKA_CREATE_TOPICS: 'on' },
    })
    // Both at once: whoever is first makes it, and the other does not mind.
    const workers = [startProcess(t, ['work', 'relay'], making), startProcess(t, ['work', 'project'], making)]
    await Promise.all(workers.map(({ says }) => says('"working"')))
    const there = await allTopics()
    for (const topic of [changes, parked]) assert.ok(there.includes(topic), topic)
    await until('the outbox is empty', async () => place.count('entity_changes') === 0, WORKS_LIMIT_MS)
    await projects(t, place)
    for (const worker of workers) worker.kill('SIGTERM')
    for (const worker of workers) assert.equal((await worker.ended()).code, 0)
  })

  test('a compacted topic stops a worker, too', async (t) => {
    const place = await openPlace(t, 1)
    const { environment, changes, parked } = settings({ DATA_DIR: place.dir, REDIS_URL: redis.url })
    await Promise.all([
      makeTopic(client, 1, { topic: changes, config: { 'cleanup.policy': 'compact' } }),
      makeTopic(client, 1, { topic: parked }),
    ])
    const { code, err } = await run(t, ['work', 'relay'], environment)
    assert.equal(code, 1)
    assertSentence(err, /is compacted: its messages say that something changed/)
  })
})
