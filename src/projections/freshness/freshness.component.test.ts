import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  connectClient,
  freshKeys,
  openTruth,
  PARTITION_COUNTS,
  redisOfFile,
} from '../../../test/support/read-models.ts'
import { quiet, until } from '../../../test/support/service.ts'
import type { Partition } from '../keys.ts'
import { LOOK_EVERY_MS, measureFreshness, OLD_MS } from './freshness.ts'

const { server, raw } = await redisOfFile()

/** The database's clock at the beginning, and this process's, which have nothing in common. */
const DATABASE_MS = Date.parse('2024-05-01T12:00:00.000Z')
const OWN_MS = 5_000_000
const text = (ms: number) => new Date(ms).toISOString().replace('T', ' ').slice(0, -1)

/** Time passes when the test says so, and, where `answering` says, while the database answers. */
async function start(t: TestContext, { partitions = 1 } = {}) {
  const keys = freshKeys(partitions)
  const client = await connectClient(t, server.url, keys)
  const time = { passed: 0 }
  const database = {
    asked: 0,
    answer: async (): Promise<void> => undefined,
    /** Passes before the database looks at its clock, and after. */
    goingMs: 0,
    comingMs: 0,
  }
  const now = async () => {
    database.asked += 1
    await database.answer()
    time.passed += database.goingMs
    const answer = text(DATABASE_MS + time.passed)
    time.passed += database.comingMs
    return answer
  }
  t.mock.timers.enable({ apis: ['setInterval'] })
  const freshness = measureFreshness({
    redis: client,
    keys,
    truth: { now },
    log: quiet,
    clock: () => OWN_MS + time.passed,
  })
  t.after(freshness.stop)
  const write = (ageMs: number, of: Partition[] = keys.partitions) =>
    Promise.all(of.map(({ mark }) => raw.set(mark, text(DATABASE_MS + time.passed - ageMs))))
  return { keys, client, time, database, freshness, write }
}

for (const partitions of PARTITION_COUNTS) {
  test(`the age is the time since the mark, by the database’s clock, and goes on with this process’s (of ${partitions})`, async (t) => {
    const { freshness, write, time } = await start(t, { partitions })
    time.passed = 1_000
    await write(400)
    await freshness.look()
    assert.equal(freshness.ageMs(), 400)
    time.passed += OLD_MS - 400
    assert.deepEqual([freshness.ageMs(), freshness.isOld()], [OLD_MS, false])
    time.passed += 1
    assert.equal(freshness.isOld(), true)
    await write(0)
    await freshness.look()
    assert.deepEqual([freshness.ageMs(), freshness.isOld()], [0, false])
  })
}

test('of several partitions the oldest counts', async (t) => {
  const { freshness, write, keys } = await start(t, { partitions: 7 })
  await write(100)
  await write(9_000, [keys.of(4)])
  await freshness.look()
  assert.equal(freshness.ageMs(), 9_000)
})

test('clocks that are compared over a slow connection make ages too old, never too young', async (t) => {
  for (const [goingMs, comingMs] of [
    [700, 0],
    [0, 700],
    [300, 400],
  ] as const) {
    const { freshness, write, database } = await start(t)
    Object.assign(database, { goingMs, comingMs })
    await write(5_000)
    await freshness.look()
    const trueAgeMs = 5_000 + goingMs + comingMs
    assert.ok(freshness.ageMs() >= trueAgeMs, `${freshness.ageMs()} ms`)
    assert.ok(freshness.ageMs() <= trueAgeMs + goingMs + comingMs)
    t.mock.timers.reset()
  }
})

test('clocks are compared again now and then, not at each look', async (t) => {
  const { freshness, write, database, time } = await start(t)
  await write(0)
  for (let look = 0; look < 5; look += 1) await freshness.look()
  assert.equal(database.asked, 1)
  time.passed += 30_001
  await freshness.look()
  assert.equal(database.asked, 2)
})

test('without a mark what is read grows old from the start: a worker may be about to write the first', async (t) => {
  const { freshness, write, time } = await start(t)
  await freshness.look()
  assert.deepEqual([freshness.ageMs(), freshness.isOld()], [Number.POSITIVE_INFINITY, false], 'nobody knows')
  time.passed = OLD_MS + 1
  await freshness.look()
  assert.equal(freshness.isOld(), true)
  await write(0)
  await freshness.look()
  assert.equal(freshness.isOld(), false)
})

test('a mark that is gone, of one partition too, makes what was known grow old', async (t) => {
  const { freshness, write, time, keys } = await start(t, { partitions: 7 })
  await write(100)
  await freshness.look()
  await raw.del(keys.of(4).mark)
  time.passed = OLD_MS
  await write(
    0,
    keys.partitions.filter((partition) => partition !== keys.of(4)),
  )
  await freshness.look()
  assert.deepEqual([freshness.ageMs(), freshness.isOld()], [OLD_MS + 100, true])
})

test('before every partition has a first mark nothing is known', async (t) => {
  const { freshness, write, time, keys } = await start(t, { partitions: 7 })
  await write(0, keys.partitions.slice(1))
  time.passed = OLD_MS + 1
  await freshness.look()
  assert.equal(freshness.isOld(), true)
})

test('a mark ahead of the clock is as fresh as can be', async (t) => {
  const { freshness, write } = await start(t)
  await write(-2_000)
  await freshness.look()
  assert.equal(freshness.ageMs(), 0)
})

test('without the database the mark is followed by the clocks as they were compared last', async (t) => {
  const { freshness, write, database, time } = await start(t)
  await write(0)
  await freshness.look()
  database.answer = () => Promise.reject(new Error('gone'))
  time.passed = 40_000
  await write(200)
  await assert.rejects(freshness.look(), /gone/)
  assert.equal(freshness.ageMs(), 200)
  database.answer = async () => undefined
  await freshness.look()
  assert.equal(freshness.ageMs(), 200)
})

test('without Redis what was known grows old', async (t) => {
  const { freshness, write, client, time } = await start(t)
  await write(0)
  await freshness.look()
  await client.close()
  time.passed = OLD_MS + 1
  await assert.rejects(freshness.look())
  assert.equal(freshness.isOld(), true)
})

test('it looks by itself, and not again while it is still looking', async (t) => {
  const { freshness, write, database } = await start(t)
  await write(300)
  const { promise, resolve } = Promise.withResolvers<void>()
  database.answer = () => promise
  t.mock.timers.tick(LOOK_EVERY_MS)
  await until('it has asked', async () => database.asked > 0)
  t.mock.timers.tick(2 * LOOK_EVERY_MS)
  assert.equal(database.asked, 1)
  resolve()
  await until('the age is known', async () => freshness.ageMs() === 300)
  await write(0)
  t.mock.timers.tick(LOOK_EVERY_MS)
  await until('it has looked again', async () => freshness.ageMs() === 0)
})

test('it looks no more when it has been stopped', async (t) => {
  const { freshness, database, time } = await start(t)
  const comparing = new Promise<void>((resolve) => {
    database.answer = async () => resolve()
  })
  t.mock.timers.tick(500)
  await comparing
  await freshness.look()
  freshness.stop()
  // Clocks would be compared at the next look.
  time.passed += 30_001
  t.mock.timers.tick(5_000)
  await raw.ping()
  assert.equal(database.asked, 1)
})

test('while the database’s clock is not known, nothing is known', async (t) => {
  const { freshness, write, database, time } = await start(t)
  database.answer = () => Promise.reject(new Error('gone'))
  await write(0)
  await assert.rejects(freshness.look(), /gone/)
  assert.deepEqual([freshness.ageMs(), freshness.isOld()], [Number.POSITIVE_INFINITY, false])
  time.passed = OLD_MS + 1
  assert.equal(freshness.isOld(), true)
})

test('the real database’s time is understood', async (t) => {
  const { truth } = await openTruth(t, 0)
  const keys = freshKeys()
  const client = await connectClient(t, server.url, keys)
  const freshness = measureFreshness({ redis: client, keys, truth, log: quiet })
  t.after(freshness.stop)
  await raw.set(keys.home.mark, await truth.now())
  await freshness.look()
  assert.ok(freshness.ageMs() < 5_000, `${freshness.ageMs()} ms`)
  await raw.set(keys.home.mark, '2020-01-01 00:00:00.000')
  await freshness.look()
  assert.equal(freshness.isOld(), true)
})
