import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import type { Message, Producer } from 'kafkajs'
import type { Client } from '../../src/adapters/kafka/client.ts'
import { kafkaReader } from '../../src/adapters/kafka/reader.ts'
import { waitingIn } from '../../src/adapters/log-feed/watching.ts'
import { type Keys, readModelKeys } from '../../src/projections/keys.ts'
import { insertUser } from '../contract/rig.ts'
import { kafkaEnvironment } from '../support/feeds.ts'
import { kafkaMissing, startTestKafka } from '../support/kafka.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { openClient, readAll } from './rig.ts'

// Debezium is played here: no relay is wanted.
delete process.env.TEST_FEED

const skip = kafkaMissing() ?? false
const USERS = 8
const LOOK_EVERY_MS = 10
/** Less than what makes a row overdue. */
const SOON_MS = 10_000
const LONG_AGO = '2020-01-01 00:00:00.000'
const EXAMPLES = join(import.meta.dirname, '..', '..', 'contracts', 'events', 'examples')

type Row = { change_id: number; entity: string; entity_id: string; changed_at: string }
type Form = 'bare' | 'with-schema'
type Json = Record<string, unknown>
const example = (name: string): Json => JSON.parse(readFileSync(join(EXAMPLES, `${name}.json`), 'utf8'))
const [INSERT, WITH_SCHEMA, DELETE] = ['debezium-insert', 'debezium-insert-with-schema', 'debezium-delete'].map(example)

function insertOf(row: Row, form: Form): string {
  if (form === 'bare') return JSON.stringify({ ...INSERT, after: row })
  return JSON.stringify({ ...WITH_SCHEMA, payload: { ...(WITH_SCHEMA?.payload as Json), after: row } })
}

/** As its converter writes keys. */
const keyOf = ({ change_id }: Row): string => JSON.stringify({ change_id })

/** Tells of each row that it finds, once, in both forms by turns; and of those that are gone. */
function playDebezium(service: TestService, producer: Producer, topic: string) {
  const known = new Map<number, Row>()
  const told = new Set<number>()
  const withheld = new Set<string>()
  let [isStopped, deletes] = [false, 0]
  const send = (messages: Message[]) => producer.send({ topic, messages, acks: -1 })
  const look = async (): Promise<void> => {
    const rows = (await service.query('SELECT * FROM entity_changes ORDER BY change_id')) as Row[]
    const fresh = rows.filter(({ change_id: id, entity_id: of }) => !told.has(id) && !withheld.has(of))
    for (const row of rows) known.set(row.change_id, row)
    const gone = [...known.values()].filter(({ change_id: id }) => !rows.some((row) => row.change_id === id))
    for (const { change_id } of gone) known.delete(change_id)
    for (const { change_id } of fresh) told.add(change_id)
    deletes += gone.length
    const messages = [
      ...fresh.map((row) => ({ key: keyOf(row), value: insertOf(row, row.change_id % 2 ? 'bare' : 'with-schema') })),
      ...gone.flatMap((row) => [
        { key: keyOf(row), value: JSON.stringify({ ...DELETE, before: row }) },
        { key: keyOf(row), value: null },
      ]),
    ]
    if (messages.length > 0) await send(messages)
  }
  const looking = (async () => {
    for (; !isStopped; await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))) await look()
  })()
  return {
    send,
    withhold: (userId: number) => void withheld.add(String(userId)),
    /** Without telling of them: they may have been told otherwise. */
    forgive(userId: number, changeIds: number[]): void {
      for (const id of changeIds) told.add(id)
      withheld.delete(String(userId))
    },
    deletes: () => deletes,
    stop: async () => {
      isStopped = true
      await looking
    },
  }
}

describe('changes that Debezium carries', { skip }, () => {
  let service: TestService
  let client: Client
  let debezium: ReturnType<typeof playDebezium>
  let raw: Redis
  let keys: Keys
  const ends: (() => unknown)[] = []
  const environment = () => service.environment as Record<string, string>
  let topic = ''
  let group = ''

  before(async () => {
    const broker = await startTestKafka()
    ends.push(broker.stop)
    const feed: Record<string, string> = { ...kafkaEnvironment(broker.brokers), FEED: 'debezium' }
    topic = feed.KAFKA_CHANGES_TOPIC ?? ''
    group = feed.KAFKA_GROUP ?? ''
    client = await openClient(broker.brokers)
    service = await startService({ worker: false, environment: feed })
    ends.push(service.close)
    const session = {
      query: async () => [],
      execute: async (sql: string, params: (string | number | null)[] = []) => {
        await service.sql(sql, ...params)
        return 1
      },
    }
    for (let userId = 1; userId <= USERS; userId += 1) await insertUser(session as never, userId)
    await service.startWorker()
    await service.built()
    const producer = client.kafka.producer({ createPartitioner: client.partitioner })
    await producer.connect()
    ends.push(() => producer.disconnect())
    debezium = playDebezium(service, producer, topic)
    ends.push(debezium.stop)
    const [row] = await service.query('SELECT epoch FROM service_epoch')
    keys = readModelKeys(String(row?.epoch))
    raw = new Redis(environment().REDIS_URL ?? '', { protocol: 2 })
    ends.push(() => raw.disconnect())
    await until('the outbox is empty', async () => (await outbox()).length === 0, SOON_MS)
  })
  after(async () => {
    for (const end of ends.reverse()) await end()
  })

  const outbox = async () => (await service.query('SELECT * FROM entity_changes ORDER BY change_id')) as Row[]
  const retitle = (userId: number, title: string) =>
    service.sql('UPDATE users SET job_title = ? WHERE user_id = ?', title, userId)
  const isProjected = async (userId: number, title: string) =>
    Object.values(await raw.hgetall(keys.user(userId)))
      .join()
      .includes(`"jobTitle":"${title}"`)
  const projected = (userId: number, title: string) =>
    until(`user ${userId} is projected`, () => isProjected(userId, title), SOON_MS)
  const unknown = async () => (await service.app.inject('/health/consistency')).json().feed.unknown as number
  async function lag(t: TestContext): Promise<() => Promise<number>> {
    const reader = kafkaReader(client)
    t.after(() => reader.close())
    return async () => waitingIn(await reader.bounds(topic), await reader.committed(topic, group))
  }
  const parkedMessages = () => readAll(client, `${topic}.parked`)
  /** A change that is not told of; answers its rows. */
  async function silently(userId: number, title: string): Promise<Row[]> {
    debezium.withhold(userId)
    await retitle(userId, title)
    return (await outbox()).filter(({ entity_id }) => entity_id === String(userId))
  }
  const makeOverdue = (userId: number) =>
    service.sql('UPDATE entity_changes SET changed_at = ? WHERE entity_id = ?', LONG_AGO, String(userId))

  test('what it tells of is projected, with and without its schema, and just these rows are deleted', async (t) => {
    const waiting = await lag(t)
    const [unknownBefore, parkedBefore] = [await unknown(), await parkedMessages()]
    const rows = await silently(8, 'Withheld')
    assert.ok(rows.length > 0)
    const before = debezium.deletes()
    for (let userId = 1; userId <= 7; userId += 1) await retitle(userId, `Told ${userId}`)
    for (let userId = 1; userId <= 7; userId += 1) await projected(userId, `Told ${userId}`)
    await until('the rows are deleted', async () => (await outbox()).length === rows.length, SOON_MS)
    assert.deepEqual(await outbox(), rows)
    assert.equal(await isProjected(8, 'Withheld'), false, 'nobody has looked at what is not told of')
    // Deletes and tombstones go past, without being anything.
    await until('the deletes are told of', async () => debezium.deletes() >= before + 7, SOON_MS)
    await until('all is read', async () => (await waiting()) === 0, SOON_MS)
    assert.equal(await unknown(), unknownBefore)
    assert.deepEqual(await parkedMessages(), parkedBefore)
    await makeOverdue(8)
    await projected(8, 'Withheld')
    debezium.forgive(8, [])
  })

  test('the mark moves on, though no message says so, and never past what is not handled', async () => {
    const mark = async () => (await raw.get(keys.home.mark)) ?? ''
    const first = await mark()
    await until('it has moved', async () => (await mark()) > first, SOON_MS)
    const rows = await silently(7, 'Not handled')
    const written = rows[0]?.changed_at ?? ''
    assert.notEqual(written, '')
    await until('it has come to the row', async () => (await mark()) === written, SOON_MS)
    await makeOverdue(7)
    await projected(7, 'Not handled')
    await until('it goes on', async () => (await mark()) > written, SOON_MS)
    debezium.forgive(7, [])
  })

  test('a row whose message never comes is taken out of the outbox itself, once it is overdue', async () => {
    const rows = await silently(6, 'Never told')
    await retitle(5, 'Told meanwhile')
    await projected(5, 'Told meanwhile')
    assert.equal(await isProjected(6, 'Never told'), false)
    assert.deepEqual(
      (await outbox()).filter(({ entity_id }) => entity_id === '6'),
      rows,
    )
    await makeOverdue(6)
    await projected(6, 'Never told')
    await until('its rows are deleted', async () => (await outbox()).length === 0, SOON_MS)
    debezium.forgive(6, [])
  })

  test('the same change by both ways, and twice by the same, does no harm', async (t) => {
    const waiting = await lag(t)
    const unknownBefore = await unknown()
    for (let round = 1; round <= 5; round += 1) {
      const rows = await silently(4, `Round ${round}`)
      const messages = rows.flatMap((row) =>
        (['bare', 'with-schema'] as const).map((form) => ({ key: keyOf(row), value: insertOf(row, form) })),
      )
      const ways = [() => makeOverdue(4), () => debezium.send(messages)]
      // At once; or the one, and when that is done the other.
      if (round % 3 === 0) await Promise.all(ways.map((way) => way()))
      else await (round % 3 === 1 ? ways : ways.toReversed())[0]?.()
      await projected(4, `Round ${round}`)
      await until('its rows are deleted', async () => (await outbox()).length === 0, SOON_MS)
      await debezium.send(messages)
      debezium.forgive(
        4,
        rows.map(({ change_id }) => change_id),
      )
    }
    await until('all is read', async () => (await waiting()) === 0, SOON_MS)
    assert.equal(await isProjected(4, 'Round 5'), true)
    assert.equal(await unknown(), unknownBefore)
    assert.deepEqual(await service.query('SELECT * FROM parked_changes'), [])
    assert.deepEqual(await service.query('SELECT * FROM change_claims'), [])
  })

  test('what nobody understands is put aside with its reason, and counted; its partition goes on', async (t) => {
    const waiting = await lag(t)
    const [row] = await silently(3, 'Behind it')
    assert.ok(row)
    const other = { ...INSERT, source: { ...(INSERT?.source as Json), table: 'parked_changes' }, after: row }
    const GARBAGE: [value: string, reason: string][] = [
      ['{', 'no JSON'],
      [JSON.stringify(other), 'a row of another table'],
      ['{"v":99}', 'of a newer version of the format'],
      [
        JSON.stringify({ ...INSERT, after: { ...row, changed_at: 'once' } }),
        'a row whose changed_at is missing or wrong',
      ],
    ]
    const key = keyOf(row)
    const [before, parkedBefore] = [await unknown(), await parkedMessages()]
    await debezium.send([
      ...GARBAGE.map(([value]) => ({ key, value })),
      { key, value: JSON.stringify({ ts_ms: 1 }) },
      { key, value: insertOf(row, 'bare') },
    ])
    await projected(3, 'Behind it')
    await until('it is counted', async () => (await unknown()) === before + GARBAGE.length, SOON_MS)
    await until('all is read', async () => (await waiting()) === 0, SOON_MS)
    const parked = (await parkedMessages()).slice(parkedBefore.length)
    assert.deepEqual(
      parked.map((each) => [each.value, each.key]),
      GARBAGE.map(([value]) => [value, key]),
    )
    for (const [index, [, reason]] of GARBAGE.entries()) {
      const headers = parked[index]?.headers ?? []
      assert.ok(headers.includes(`parked-reason: ${reason}`), headers.join('; '))
      assert.ok(headers.includes(`parked-from-topic: ${topic}`), headers.join('; '))
    }
    debezium.forgive(3, [row.change_id])
  })

  test('who is shown comes from Redis, as it is now', async () => {
    await retitle(1, 'At last')
    await projected(1, 'At last')
    const answer = await service.app.inject('/v1/users/1')
    assert.deepEqual([answer.statusCode, answer.json().jobTitle], [200, 'At last'])
    assert.match(String(answer.headers['read-from']), /^(redis|near)$/)
  })
})
