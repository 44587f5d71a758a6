import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { KafkaBroker } from '../../scripts/kafka-broker.ts'
import type { Client } from '../../src/adapters/kafka/client.ts'
import { kafkaReader } from '../../src/adapters/kafka/reader.ts'
import { waitingIn } from '../../src/adapters/log-feed/watching.ts'
import { readModelKeys } from '../../src/projections/keys.ts'
import { lastFirst } from '../contract/rig.ts'
import { kafkaEnvironment } from '../support/feeds.ts'
import { asAdmin, kafkaMissing, startTestKafka } from '../support/kafka.ts'
import { startTestRedis } from '../support/redis.ts'
import { until } from '../support/service.ts'
import { openClient, openPlace, startProcess } from './rig.ts'

const skip = kafkaMissing() ?? false
const WORKS_LIMIT_MS = 40_000
/** Six tries, some eight seconds with the waits between them. */
const PARKED_LIMIT_MS = 30_000
/** Longer than a session of the group. */
const AWAY_MS = 8_000
const LOCKED_MS = 3_000
/** Less than a session: it has left the group, and not only gone. */
const TAKEN_LIMIT_MS = 5_000
const STOP_LIMIT_MS = 8_000
const TAKES = 'takes changes out of these partitions'

let broker: KafkaBroker
let client: Client
before(async () => {
  if (skip) return
  broker = await startTestKafka()
  client = await openClient(broker.brokers)
})
after(() => broker?.stop())

/** A relay and some projecting workers, as processes, over a Redis and a database of their own. */
async function openFleet(context: TestContext, { users, projectors }: { users: number; projectors: number }) {
  const t = lastFirst(context)
  const redis = await startTestRedis()
  t.after(redis.stop)
  const place = await openPlace(t, users)
  const feed: Record<string, string> = kafkaEnvironment(broker.brokers)
  const environment = { ...feed, DATA_DIR: place.dir, REDIS_URL: redis.url, LOG_LEVEL: 'info' }
  const start = (role: string) => startProcess(t, ['work', role], environment)
  const relay = start('relay')
  const workers = Array.from({ length: projectors }, () => start('project'))
  const raw = new Redis(redis.url, { protocol: 2 })
  t.after(() => raw.disconnect())
  const reader = kafkaReader(client)
  t.after(() => reader.close())
  const keys = readModelKeys(place.epoch)
  const [topic, group] = [feed.KAFKA_CHANGES_TOPIC ?? '', feed.KAFKA_GROUP ?? '']
  const lag = async () => waitingIn(await reader.bounds(topic), await reader.committed(topic, group))
  const stored = async (userId: number) => Object.values(await raw.hgetall(keys.user(userId))).join()
  const has = async (userId: number, title: string) => (await stored(userId)).includes(`"jobTitle":"${title}"`)
  const allHave = async (userIds: number[], title: string) =>
    (await Promise.all(userIds.map((userId) => has(userId, title)))).every((each) => each)
  const settled = () =>
    until(
      'nothing waits any more',
      async () => place.count('entity_changes') === 0 && (await lag()) === 0,
      WORKS_LIMIT_MS,
    ).catch(async (error) => {
      const said = [relay, ...workers].map(({ said }) => said.out.slice(-2_000) + said.err).join('\n')
      throw new Error(`${error.message}: ${place.count('entity_changes')} rows, ${await lag()} messages\n${said}`)
    })
  const command = (...args: string[]) => startProcess(t, args, environment).ended()
  await Promise.all([relay, ...workers].map(({ says }) => says('"working"')))
  await until('the read models are built', () => raw.get(keys.home.built), WORKS_LIMIT_MS)
  await until('somebody has each partition', async () => workers.every(({ said }) => said.out.includes(TAKES)))
  await settled()
  return {
    ...t,
    ...place,
    redis,
    raw,
    keys,
    environment,
    relay,
    workers,
    lag,
    stored,
    has,
    allHave,
    settled,
    command,
    group,
  }
}
const idsTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const times = (text: string, what: string) => text.split(what).length - 1

/** From here on reading what this user prefers fails, as a value does that the database itself cannot read. */
const BREAK = `
  ALTER TABLE user_preferences RENAME TO kept_preferences;
  CREATE VIEW user_preferences AS SELECT user_id, preference_key,
    CASE preference_key WHEN 'broken' THEN CAST(abs(-9223372036854775807 - 1) AS TEXT) ELSE preference_value END
      AS preference_value FROM kept_preferences`
/** No trigger tells of it. */
const MEND = `
  DROP VIEW user_preferences;
  CREATE VIEW user_preferences AS SELECT user_id, preference_key, preference_value FROM kept_preferences`

describe('changes over Kafka', { skip, concurrency: 2 }, () => {
  test('a user whose rows cannot be read holds nobody up, is shown no more, is parked, and retried', async (t) => {
    const FAULTY = 3
    const { sql, count, allHave, has, stored, settled, command, workers } = await openFleet(t, {
      users: 8,
      projectors: 1,
    })
    const others = idsTo(8).filter((userId) => userId !== FAULTY)
    for (const statement of BREAK.split(';')) sql(statement)
    sql(`INSERT INTO kept_preferences VALUES (?, 'broken', 'x')`, FAULTY)
    sql(`UPDATE users SET job_title = 'Newtitle'`)
    await until('the others are projected', () => allHave(others, 'Newtitle'), WORKS_LIMIT_MS)
    assert.equal(count('parked_changes'), 0, 'it is still tried')
    sql(`UPDATE users SET job_title = 'Still newer' WHERE user_id <> ?`, FAULTY)
    await until('the others are projected again', () => allHave(others, 'Still newer'), WORKS_LIMIT_MS)
    await until('all of its changes are parked', async () => count('parked_changes') >= 2, PARKED_LIMIT_MS)
    await settled()
    assert.doesNotMatch(await stored(FAULTY), /"userId"/, 'nothing old is kept of them')
    const list = await command('parked', 'list', '--json')
    assert.equal(list.code, 0, list.err)
    const { items: parked } = JSON.parse(list.out) as {
      items: { entityId: string; attempts: number; error: string }[]
    }
    assert.ok(parked.length >= 2)
    for (const { entityId, attempts, error } of parked) {
      assert.deepEqual([entityId, attempts], [String(FAULTY), 6])
      assert.ok(error !== '')
    }
    const [worker] = workers
    assert.match(worker?.said.out ?? '', /a change does not go through while others do/)
    assert.equal(times(worker?.said.out ?? '', TAKES), 1, 'nothing was shared out anew')

    for (const statement of MEND.split(';')) sql(statement)
    assert.equal(await has(FAULTY, 'Newtitle'), false, 'nothing tells of it')
    const retried = await command('parked', 'retry', '--all')
    assert.equal(retried.code, 0, retried.err)
    await until('they are projected', () => has(FAULTY, 'Newtitle'), WORKS_LIMIT_MS)
    await settled()
    assert.equal(count('parked_changes'), 0)
  })

  test('a Redis that is silent for longer than a session, and a database that is locked, cost no rebalance and no change', async (t) => {
    const { after, sql, redis, workers, allHave, settled, group, count } = await openFleet(t, {
      users: 40,
      projectors: 2,
    })
    const members = async () =>
      asAdmin(client, async (admin) => {
        const { groups } = await admin.describeGroups([group])
        return [groups[0]?.state, ...(groups[0]?.members ?? []).map(({ memberId }) => memberId).sort()]
      })
    const before = await members()
    assert.deepEqual([before[0], before.length], ['Stable', 3])
    const shares = () => workers.map(({ said }) => times(said.out, TAKES))
    const sharesBefore = shares()
    after(() => process.kill(redis.pid, 'SIGCONT'))
    sql(`UPDATE users SET job_title = 'Before'`)
    process.kill(redis.pid, 'SIGSTOP')
    for (const end = performance.now() + AWAY_MS - LOCKED_MS; performance.now() < end; await delay(100))
      sql('UPDATE users SET phone = ? WHERE user_id = ?', String(performance.now()), 1)
    sql('BEGIN IMMEDIATE')
    sql(`UPDATE users SET job_title = 'Locked'`)
    await delay(LOCKED_MS)
    sql('COMMIT')
    assert.deepEqual(await members(), before, 'while it is silent')
    process.kill(redis.pid, 'SIGCONT')
    await until('all are projected', () => allHave(idsTo(40), 'Locked'), WORKS_LIMIT_MS)
    await settled()
    assert.deepEqual([await members(), shares()], [before, sharesBefore])
    assert.equal(count('parked_changes'), 0)
    for (const { isOver, said } of workers) assert.deepEqual([isOver(), said.err], [false, ''])
  })

  test('a worker that is told to stop in the middle of a backlog ends well and soon, and the other does the rest', async (t) => {
    const USERS = 400
    const { sql, workers, allHave, settled, count, lag } = await openFleet(t, { users: USERS, projectors: 2 })
    const [leaving, staying] = workers
    assert.ok(leaving && staying)
    for (let round = 1; round <= 8; round += 1) sql('UPDATE users SET job_title = ?', `Round ${round}`)
    await until('there is a backlog', async () => (await lag()) > USERS)
    const began = performance.now()
    const sharesBefore = times(staying.said.out, TAKES)
    leaving.kill('SIGTERM')
    sql(`UPDATE users SET job_title = 'Last'`)
    const { code, err } = await leaving.ended()
    const tookMs = performance.now() - began
    assert.deepEqual([code, err], [0, ''])
    assert.ok(tookMs < STOP_LIMIT_MS, `${tookMs} ms`)
    await until('the other has all', async () => times(staying.said.out, TAKES) > sharesBefore, TAKEN_LIMIT_MS)
    assert.match(
      staying.said.out.split('\n').findLast((line) => line.includes(TAKES)) ?? '',
      /"partitions":\[\d,\d,\d\]/,
    )
    await until('all are projected', () => allHave(idsTo(USERS), 'Last'), WORKS_LIMIT_MS)
    await settled()
    assert.equal(count('parked_changes'), 0)
  })
})
