import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { redisOfFile } from '../../../test/support/read-models.ts'
import { quiet } from '../../../test/support/service.ts'
import { readModelKeys } from '../keys.ts'
import { type ConsistencyReport, consistencyReport } from './report.ts'
import { CLASS_RATIO, classLimitMs, classOf, consistencyTally, HOUR_MS, WINDOW_HOURS } from './tally.ts'

const { raw } = await redisOfFile()
let epochs = 0

/** Two processes' tallies over one Redis, at a time that the test sets. */
function tallies(t: TestContext) {
  epochs += 1
  const keys = readModelKeys(`tally${epochs}`)
  const clock = { now: 1_000 * HOUR_MS }
  const redis = {
    run: ({ source }: { source: string }, given: string[], args: (string | number | Buffer)[]) =>
      raw.eval(source, given.length, ...given, ...args),
    hgetall: (key: string) => raw.hgetall(key),
  }
  const open = () => {
    const tally = consistencyTally({ redis, keys, log: quiet, now: () => clock.now })
    t.after(tally.stop)
    return tally
  }
  const report = async (): Promise<ConsistencyReport> =>
    consistencyReport(await raw.hgetall(keys.tally), {
      now: clock.now,
      oldestUnprojectedMs: 12,
      incarnation: () => 'present',
    })
  return { keys, clock, one: open(), other: open(), report }
}

test('nothing measured says so, and claims nothing', async (t) => {
  const { report } = tallies(t)
  const { state, sample, staleness, walk, oldestUnprojectedMs } = await report()
  assert.equal(state, 'unmeasured')
  assert.deepEqual([sample.share, sample.nines, sample.atLeast], [null, 0, 0])
  assert.deepEqual([staleness.p50Ms, walk, oldestUnprojectedMs], [null, null, 12])
})

test('the samples of all processes add up', async (t) => {
  const { one, other, report } = tallies(t)
  await one.sampled({ checked: 1_000, differing: 0, moving: 1 })
  await other.sampled({ checked: 2_000, differing: 0, moving: 2 })
  const { state, sample } = await report()
  assert.equal(state, 'measured')
  assert.deepEqual(sample, {
    ...{ checked: 3_000, differing: 0, moving: 3, share: 1, atLeast: 0.999, nines: 3, confidence: 0.95 },
  })
})

test('what is older than the window no longer counts, and is dropped', async (t) => {
  const { keys, clock, one, report } = tallies(t)
  await one.sampled({ checked: 100, differing: 7, moving: 0 })
  clock.now += (WINDOW_HOURS - 1) * HOUR_MS
  assert.equal((await report()).sample.differing, 7)
  clock.now += HOUR_MS
  assert.equal((await report()).sample.checked, 0)
  await one.sampled({ checked: 5, differing: 0, moving: 0 })
  const fields = Object.keys(await raw.hgetall(keys.tally)).filter((field) => field.startsWith('h:'))
  assert.equal(new Set(fields.map((field) => field.split(':')[1])).size, 1)
  assert.deepEqual([(await report()).sinceSampleMs, (await report()).sinceWalkMs], [0, null])
})

test('staleness is counted by class, all processes together, and its percentiles err upward by a tenth at most', async (t) => {
  const { one, other, report } = tallies(t)
  one.handled(Array.from({ length: 500 }, (_, i) => i + 1))
  other.handled(Array.from({ length: 500 }, (_, i) => i + 501))
  await Promise.all([one.stop(), other.stop()])
  const { changes, p50Ms, p99Ms, maxMs } = (await report()).staleness
  assert.deepEqual([changes, maxMs], [1_000, 1_000])
  assert.ok(p50Ms !== null && p50Ms >= 500 && p50Ms <= 500 * CLASS_RATIO + 1, `p50 ${p50Ms}`)
  assert.ok(p99Ms !== null && p99Ms >= 990 && p99Ms <= 1_000, `p99 ${p99Ms}`)
})

test('every staleness is within its class', () => {
  for (const ms of [0, 1, 2, 3, 10, 11, 99, 1_000, 3_600_000]) {
    assert.ok(classLimitMs(classOf(ms)) >= ms, `${ms}`)
    assert.ok(ms <= 1 || classLimitMs(classOf(ms)) <= ms * CLASS_RATIO + 1, `${ms}`)
  }
})

test('an alarm counts under its own incarnation only', async (t) => {
  const { one, report } = tallies(t)
  await one.alarm(0, 'earlier')
  assert.deepEqual((await report()).ahead, [])
  await one.alarm(0, 'present')
  assert.equal((await report()).state, 'alarm')
  await one.noAlarm(0)
  assert.deepEqual((await report()).ahead, [])
})

test('what was found, what was mended, the walk, and what jobs remember are kept until they are read', async (t) => {
  const { one, other, report } = tallies(t)
  await one.found(['hint', 'dirty'])
  await other.found(['hint'])
  await one.mended(['hint'])
  await one.dropped(2)
  const walk = { checked: 5, differing: 1, moving: 0, ms: 7, endedAt: '2026-11-30T12:00:00.000Z' }
  await one.walked(walk)
  await one.remember('place', 17)
  const told = await report()
  assert.deepEqual([told.found.hint, told.found.dirty, told.found.unreadable], [2, 1, 2])
  assert.deepEqual([told.mended.hint, told.mended.dirty, told.mended.unreadable], [1, 0, 2])
  assert.deepEqual(told.walk, walk)
  assert.equal((await other.read()).place, '17')
})
