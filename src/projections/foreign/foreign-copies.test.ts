import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CALL_MS,
  fresh,
  hurried,
  IDS_A_CALL,
  KIND,
  missing,
  neighbour,
  REFRESHES,
  type Redis,
  replica,
  SHAPE,
  stale,
  TIMES,
  turn,
} from '../../../test/support/foreign.ts'
import { type Caller, MAX_BRANCHES_A_CALL } from '../../ports/neighbours.ts'
import { foreignKey } from '../keys.ts'
import { FOREIGN_TIMES, foreignCopies } from './foreign-copies.ts'

const START = Date.UTC(2026, 10, 29, 4, 0, 0)
/** What there is to read copies in at least. */
const LEAST_MS = 25
/** Longer a refresh is not waited for. */
const GIVEN_UP_MS = CALL_MS + 100
/** So far another replica's clock may be ahead. */
const SKEW_MS = 5_000
const MAX_BYTES = 65_536

/** Redis as far as it is needed, on the test's time; `down`: the commands that it does not carry out. */
function fakeRedis(now: () => number) {
  const kept = new Map<string, { text: string; until: number; ttlMs: number }>()
  const down = new Set<keyof Redis>()
  const counts = { get: 0, claim: 0, release: 0 }
  const held = (key: string) => {
    const entry = kept.get(key)
    return entry && entry.until > now() ? entry : undefined
  }
  const put = (key: string, text: string, ttlMs: number) => void kept.set(key, { text, ttlMs, until: now() + ttlMs })
  const command = async <Reply>(name: keyof Redis, carryOut: () => Reply): Promise<Reply> => {
    if (down.has(name)) throw new Error('Connection is closed.')
    return carryOut()
  }
  const redis: Redis = {
    getExpiring(key) {
      counts.get += 1
      return command('getExpiring', () => held(key)?.text ?? null)
    },
    setFor: (key, text, ttlMs) => command('setFor', () => put(key, text, ttlMs)),
    claim(key, ttlMs) {
      counts.claim += 1
      return command('claim', () => {
        if (held(key)) return false
        put(key, '', ttlMs)
        return true
      })
    },
    release(key) {
      counts.release += 1
      return command('release', () => void kept.delete(key))
    },
  }
  return { redis, kept, put, down, counts }
}

/** Replicas with one Redis and one other service, on one time. */
function stage({ replicas = 1 } = {}) {
  const wall = { now: START }
  const fake = fakeRedis(() => wall.now)
  const shops = neighbour()
  const logged: { level: string; fields: object }[] = []
  const note = (level: string) => (fields: object) => void logged.push({ level, fields })
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
  const all = Array.from({ length: replicas }, () =>
    replica({ redis: fake.redis, fetch: shops.fetch, now: () => wall.now, log }),
  )
  const [one = assert.fail(), two = one, three = one] = all
  const pass = async (ms: number) => {
    wall.now += ms
    for (const { clock } of all) clock.advance(ms)
    await turn()
  }
  const keyOf = (id: string) => foreignKey(KIND, SHAPE, id)
  const copy = (id: string, ageMs: number, value: object | null = { name: `the ${id}` }) =>
    fake.put(keyOf(id), JSON.stringify({ at: wall.now - ageMs, value }), TIMES.staleIfErrorMs)
  const text = (id: string) => fake.kept.get(keyOf(id))?.text
  return { ...fake, wall, shops, logged, one, two, three, pass, keyOf, copy, text }
}

test('what there is no copy of is asked for, kept, and shown from then on', async () => {
  const { one, shops, text, kept, keyOf, pass } = stage()
  const reading = await one.read(['a'])
  assert.equal(reading.found(), null)
  // The answer is as old as the question.
  await pass(10)
  await shops.next().answer()
  assert.deepEqual(reading.found(), { a: fresh('a') })
  assert.equal(text('a'), JSON.stringify({ at: START, value: { name: 'the a' } }))
  assert.equal(kept.get(keyOf('a'))?.ttlMs, TIMES.staleIfErrorMs)
  assert.deepEqual((await one.read(['a'])).found(), { a: fresh('a') })
  assert.deepEqual(shops.asked(), [])
  assert.equal(one.clock.pending(), 0)
})

test('that the other service does not know somebody is kept as well', async () => {
  const { one, shops, text } = stage()
  const reading = await one.read(['a'])
  await shops.next().answer({ a: null })
  assert.deepEqual(reading.found(), { a: { state: 'fresh', value: null } })
  assert.equal(text('a'), JSON.stringify({ at: START, value: null }))
  assert.deepEqual((await one.read(['a'])).found(), { a: { state: 'fresh', value: null } })
  assert.deepEqual(shops.asked(), [])
})

const AGES: { ageMs: number; shown: 'at once' | 'after the answer'; asked: boolean }[] = [
  { ageMs: 0, shown: 'at once', asked: false },
  { ageMs: TIMES.refreshAfterMs - 1, shown: 'at once', asked: false },
  { ageMs: TIMES.refreshAfterMs, shown: 'at once', asked: true },
  { ageMs: TIMES.freshMs, shown: 'at once', asked: true },
  { ageMs: TIMES.freshMs + 1, shown: 'after the answer', asked: true },
  { ageMs: TIMES.staleIfErrorMs, shown: 'after the answer', asked: true },
  { ageMs: -1, shown: 'at once', asked: false },
  { ageMs: -SKEW_MS, shown: 'at once', asked: false },
]
for (const { ageMs, shown, asked } of AGES) {
  test(`a copy of ${ageMs} ms is shown ${shown}, and is ${asked ? '' : 'not '}asked for`, async () => {
    const { one, copy, shops } = stage()
    copy('a', ageMs)
    const reading = await one.read(['a'])
    assert.deepEqual(reading.found(), shown === 'at once' ? { a: fresh('a') } : null)
    assert.deepEqual(shops.asked(), asked ? ['a'] : [])
    if (asked) await shops.next().answer({ a: { name: 'newer' } })
    const newer = shown === 'at once' ? fresh('a') : { state: 'fresh', value: { name: 'newer' } }
    assert.deepEqual(reading.found(), { a: newer })
  })
}

test('a copy is refreshed while it is fresh, by one replica, for which nobody waits', async () => {
  const { one, two, three, copy, shops, text, wall } = stage({ replicas: 3 })
  copy('a', TIMES.refreshAfterMs)
  for (const some of [one, two, three, one]) assert.deepEqual((await some.read(['a'])).found(), { a: fresh('a') })
  await shops.next().answer({ a: { name: 'newer' } })
  assert.equal(text('a'), JSON.stringify({ at: wall.now, value: { name: 'newer' } }))
  assert.deepEqual((await two.read(['a'])).found(), { a: { state: 'fresh', value: { name: 'newer' } } })
  assert.deepEqual(shops.asked(), [])
})

test('a refresh goes on when whoever began it has left, in the time of a whole call; when it fails nobody is told', async () => {
  const { one, copy, shops, pass } = stage()
  copy('a', TIMES.refreshAfterMs)
  const begun = one.clock.now()
  const reading = await one.read(['a'], { waitMs: 1, requestId: 'r7' })
  reading.leave()
  await pass(100)
  const { caller, fail } = shops.next()
  assert.equal(caller.signal.aborted, false)
  assert.equal(caller.untilMs, begun + CALL_MS)
  assert.deepEqual([caller.requestId, caller.trace], ['r7', { traceparent: 'r7' }])
  await fail('unreachable')
  assert.deepEqual((await one.read(['a'])).found(), { a: fresh('a') })
  assert.deepEqual(shops.asked(), [], 'it has just failed')
  await pass(TIMES.claimMs)
  await one.read(['a'])
  assert.deepEqual(shops.asked(), ['a'])
})

test('a refresh that does not end by itself in the time of a call is given up soon after', async () => {
  const { one, copy, shops, pass } = stage()
  copy('a', TIMES.refreshAfterMs)
  await one.read(['a'])
  await pass(GIVEN_UP_MS - 1)
  assert.equal(shops.calls[0]?.caller.signal.aborted, false)
  await pass(1)
  assert.equal(shops.next().caller.signal.aborted, true)
  assert.equal(one.clock.pending(), 0)
})

test('only so many refreshes are under way at once; what is old is asked for all the same', async () => {
  const { one, copy, shops, pass } = stage()
  const ids = Array.from({ length: REFRESHES + 3 }, (_, i) => `a${i}`)
  for (const id of ids) copy(id, TIMES.refreshAfterMs)
  for (const id of ids) assert.deepEqual((await one.read([id])).found(), { [id]: fresh(id) })
  assert.deepEqual(shops.asked(), ids.slice(0, REFRESHES))
  copy('old', TIMES.freshMs + 1)
  const reading = await one.read(['old'], { waitMs: 30 })
  await pass(30)
  assert.equal(reading.found()?.old?.state, 'stale')
  const [old] = shops.calls.splice(REFRESHES)
  assert.deepEqual([old?.ids, old?.caller.signal.aborted], [['old'], true], 'for its reader only')
  await shops.calls[0]?.answer()
  const last = `a${REFRESHES}`
  await one.read([last])
  assert.equal(shops.asked().at(-1), last)
  one.stop()
  await pass(0)
  assert.equal(one.clock.pending(), 0)
})

test('however many read what is being refreshed, it is one refresh', async () => {
  const { one, copy, shops, counts } = stage()
  for (const id of ['a', 'b']) copy(id, TIMES.refreshAfterMs)
  for (let n = 0; n < 60; n += 1) await one.read(['a'])
  assert.deepEqual([one.clock.pending(), counts.claim], [1, 1])
  await one.read(['a', 'b'])
  assert.deepEqual(shops.asked(), ['a', 'b'])
  for (const { answer } of shops.calls) await answer()
  assert.equal(one.clock.pending(), 0)
})

test('of an old copy one replica asks and waits; the others show it at once, and say so', async () => {
  const { one, two, three, copy, shops, wall } = stage({ replicas: 3 })
  copy('a', TIMES.freshMs + 1)
  const readings = [await one.read(['a']), await two.read(['a']), await three.read(['a'])]
  const old = { a: stale('a', 'refreshing', wall.now - TIMES.freshMs - 1) }
  assert.deepEqual(
    readings.map(({ found }) => found()),
    [null, old, old],
  )
  await shops.next().answer()
  assert.deepEqual(readings[0]?.found(), { a: fresh('a') })
  assert.deepEqual((await two.read(['a'])).found(), { a: fresh('a') })
  assert.deepEqual(shops.asked(), [])
})

test('within one process all wait for the one call, also for one that nobody waited for', async () => {
  const { one, two, copy, shops, pass, counts, wall } = stage({ replicas: 2 })
  copy('a', TIMES.freshMs + 1)
  const waiting = [one.begin(['a']), one.begin(['a'])]
  await turn()
  waiting.push(await one.read(['a']))
  assert.ok(waiting.every(({ found }) => found() === null))
  assert.equal(counts.claim, 1)
  await shops.next().answer()
  assert.ok(waiting.every(({ found }) => found()?.a?.state === 'fresh'))

  copy('b', TIMES.freshMs)
  await one.read(['b'])
  await pass(1)
  const reading = await one.read(['b'])
  const elsewhere = await two.read(['b'])
  assert.deepEqual([reading.found(), elsewhere.found()?.b?.state], [null, 'stale'])
  await shops.next().answer()
  assert.deepEqual(reading.found(), { b: fresh('b') })
  assert.equal(wall.now, START + 1)
})

test('an old copy is shown where the call fails, with the reason and its time; then nobody asks for a while', async () => {
  const { one, two, copy, shops, pass, wall } = stage({ replicas: 2 })
  copy('a', TIMES.freshMs + 1)
  const at = wall.now - TIMES.freshMs - 1
  const reading = await one.read(['a'])
  await shops.next().fail('unavailable')
  assert.deepEqual(reading.found(), { a: stale('a', 'unavailable', at) })
  await pass(TIMES.claimMs - 1)
  for (const some of [one, two]) assert.deepEqual((await some.read(['a'])).found(), { a: stale('a', 'refreshing', at) })
  assert.deepEqual(shops.asked(), [])
  await pass(1)
  const next = await two.read(['a'])
  await one.read(['a'])
  await shops.next().fail('timeout')
  assert.deepEqual(next.found(), { a: stale('a', 'timeout', at) })
})

test('an old copy of somebody unknown is marked as well', async () => {
  const { one, copy, shops, wall } = stage()
  copy('a', TIMES.freshMs + 1, null)
  const reading = await one.read(['a'])
  await shops.next().fail('circuit-open')
  assert.deepEqual(reading.found(), {
    a: { ...stale('a', 'circuit-open', wall.now - TIMES.freshMs - 1), value: null },
  })
})

test('where there is no copy and no answer, it is missing, with the reason; each reader asks anew', async () => {
  const { one, shops, counts, text } = stage()
  for (const reason of ['timeout', 'circuit-open', 'not-configured'] as const) {
    const reading = await one.read(['a'])
    await shops.next().fail(reason)
    assert.deepEqual(reading.found(), { a: missing(reason) })
  }
  assert.equal(counts.claim, 0)
  assert.equal(text('a'), undefined)
})

test('all that one read needs is one call, also what is refreshed beside it; more are several', async () => {
  const { one, copy, shops } = stage()
  copy('fresh', 0)
  copy('due', TIMES.refreshAfterMs)
  copy('old', TIMES.freshMs + 1)
  const reading = await one.read(['none', 'old', 'fresh', 'due', 'none'])
  const call = shops.next()
  assert.deepEqual(call.ids, ['none', 'old', 'due'])
  await call.answer()
  assert.deepEqual(Object.keys(reading.found() ?? {}), ['none', 'old', 'fresh', 'due'])
  assert.ok(Object.values(reading.found() ?? {}).every(({ state }) => state === 'fresh'))

  const many = Array.from({ length: 2 * IDS_A_CALL + 1 }, (_, i) => `m${i}`)
  const more = await one.read(many)
  assert.deepEqual(
    shops.calls.map(({ ids }) => ids.length),
    [IDS_A_CALL, IDS_A_CALL, 1],
  )
  for (const { answer } of shops.calls) await answer()
  assert.deepEqual(Object.keys(more.found() ?? {}), many)
})

test('another reader joins what is under way, and asks for the rest', async () => {
  const { one, shops } = stage()
  const first = await one.read(['a', 'b'])
  const second = await one.read(['b', 'c'])
  assert.deepEqual(shops.asked(), ['a,b', 'c'])
  await shops.calls[0]?.answer()
  assert.deepEqual(first.found(), { a: fresh('a'), b: fresh('b') })
  await shops.calls[1]?.fail('unreachable')
  assert.deepEqual(second.found(), { b: fresh('b'), c: missing('unreachable') })
})

test('each waits for their own time only; where there is no copy the call ends with them', async () => {
  const { one, shops, pass } = stage()
  const hasty = await one.read(['a', 'b'], { waitMs: 30 })
  const patient = await one.read(['a'], { waitMs: 40 })
  await pass(30)
  assert.deepEqual([hasty.found(), patient.found()], [{ a: missing('timeout'), b: missing('timeout') }, null])
  const { caller } = shops.next()
  assert.equal(caller.signal.aborted, false, 'somebody waits')
  patient.leave()
  await turn()
  assert.deepEqual(patient.found(), { a: missing('cancelled') })
  assert.equal(caller.signal.aborted, true)
  assert.equal(one.clock.pending(), 0)
})

for (const why of ['timeout', 'cancelled'] as const) {
  test(`who leaves by ${why} has the old copy, and the newer one is there for the next, on all replicas`, async () => {
    const { one, two, copy, shops, pass, wall } = stage({ replicas: 2 })
    copy('a', TIMES.freshMs + 1)
    const at = wall.now - TIMES.freshMs - 1
    const begun = one.clock.now()
    const hasty = await one.read(['a'], { waitMs: 15 })
    if (why === 'cancelled') hasty.leave()
    await pass(15)
    assert.deepEqual(hasty.found(), { a: stale('a', why, at) })
    const { caller, answer } = shops.next()
    assert.deepEqual([caller.signal.aborted, caller.untilMs], [false, begun + CALL_MS])
    await pass(25)
    await answer({ a: { name: 'newer' } })
    for (const some of [one, two]) {
      assert.deepEqual((await some.read(['a'])).found(), { a: { state: 'fresh', value: { name: 'newer' } } })
    }
    assert.deepEqual(shops.asked(), [])
    assert.equal(one.clock.pending(), 0)
  })
}

test('however many hurried readers come and go, it is one call, which all who come meanwhile wait for', async () => {
  const { one, copy, shops, pass, counts } = stage()
  copy('a', TIMES.freshMs + 1)
  for (let n = 0; n < 10; n += 1) {
    const reading = await one.read(['a'], { waitMs: 15 })
    await pass(15)
    assert.equal(reading.found()?.a?.state, 'stale')
  }
  const patient = await one.read(['a'])
  await shops.next().answer()
  assert.deepEqual(patient.found(), { a: fresh('a') })
  assert.deepEqual([counts.claim, one.clock.pending()], [1, 0])
})

test('who has no time makes no call for themselves, and is shown what is here; who has left sees nothing', async () => {
  const { one, copy, counts, shops, wall } = stage()
  for (const waitMs of [0, -5]) {
    assert.deepEqual((await one.read(['none'], { waitMs })).found(), { none: missing('timeout') })
  }
  const reading = one.begin(['none'])
  reading.leave()
  assert.deepEqual(await reading.answered(), { none: missing('cancelled') })
  copy('a', 0)
  assert.deepEqual((await one.read(['a'], { waitMs: 0 })).found(), { a: fresh('a') })
  assert.deepEqual([shops.asked(), counts.claim], [[], 0])
  copy('old', TIMES.freshMs + 1)
  const found = (await one.read(['old', 'none'], { waitMs: 0 })).found()
  assert.deepEqual(found, { old: stale('old', 'timeout', wall.now - TIMES.freshMs - 1), none: missing('timeout') })
  assert.deepEqual(shops.asked(), ['old'], 'for whoever comes next')
})

test('a call that had no time is made once more for who has joined it', async () => {
  const { one, shops, pass } = stage()
  const hasty = await one.read(['a'], { waitMs: 30 })
  const patient = await one.read(['a'])
  await pass(30)
  assert.deepEqual(hasty.found(), { a: missing('timeout') })
  await shops.next().fail(hurried())
  assert.equal(patient.found(), null)
  await shops.next().answer()
  assert.deepEqual(patient.found(), { a: fresh('a') })
})

test('once it has been kept, the next copy that grows old is asked for without delay', async () => {
  const { one, two, shops, pass, copy, wall } = stage({ replicas: 2 })
  copy('a', TIMES.freshMs + 1)
  const first = await one.read(['a'])
  await shops.next().answer()
  assert.deepEqual(first.found(), { a: fresh('a') })
  copy('a', TIMES.freshMs + 1)
  await two.read(['a'])
  assert.deepEqual((await one.read(['a'])).found(), { a: stale('a', 'refreshing', wall.now - TIMES.freshMs - 1) })
  await pass(TIMES.claimMs - 1)
  await shops.next().fail('unavailable')
  assert.equal((await one.read(['a'])).found()?.a?.state, 'stale')
  assert.deepEqual(shops.asked(), [], 'it has just failed')
})

test('a Redis that is silent holds up nobody for longer than they wait, or a moment where they do not', async () => {
  const { one, redis, pass, copy, shops, wall } = stage()
  const silence = new Promise<never>(() => undefined)
  const { getExpiring } = redis
  redis.getExpiring = () => silence
  for (const [waitMs, waitedMs] of [
    [LEAST_MS + 5, LEAST_MS + 5],
    [10, LEAST_MS],
    [0, LEAST_MS],
  ] as const) {
    const first = await one.read(['a'], { waitMs })
    await pass(waitedMs - 1)
    assert.equal(first.found(), null)
    await pass(1)
    assert.deepEqual(first.found(), { a: missing('timeout') })
  }
  const left = await one.read(['a'], { waitMs: 0 })
  left.leave()
  await turn()
  assert.deepEqual(left.found(), { a: missing('cancelled') })

  redis.getExpiring = getExpiring
  redis.claim = () => silence
  copy('a', TIMES.freshMs + 1)
  const second = await one.read(['a'], { waitMs: 10 })
  await pass(10)
  assert.deepEqual(second.found(), { a: stale('a', 'timeout', wall.now - TIMES.freshMs - 11) })
  // Nor does a claim that never ends.
  await pass(GIVEN_UP_MS)
  redis.claim = async () => true
  const third = await one.read(['a'])
  await shops.next().answer()
  assert.deepEqual(third.found(), { a: fresh('a') })
})

test('while Redis is gone each process asks for itself, joined; nothing is marked and nothing rejects', async () => {
  const { one, two, down, shops, logged } = stage({ replicas: 2 })
  for (const command of ['getExpiring', 'claim', 'setFor', 'release'] as const) down.add(command)
  const readings = [one.begin(['a']), one.begin(['a']), two.begin(['a'])]
  await turn()
  assert.deepEqual(shops.asked(), ['a', 'a'])
  for (const { answer } of shops.calls) await answer()
  assert.ok(readings.every(({ found }) => found()?.a?.state === 'fresh'))
  assert.deepEqual(new Set(logged.map(({ level }) => level)), new Set(['debug']))
})

test('a Redis that goes after the copy was read keeps nobody from asking', async () => {
  const { one, down, copy, shops, wall } = stage()
  copy('a', TIMES.freshMs + 1)
  down.add('claim')
  const first = await one.read(['a'])
  await shops.next().fail('unreachable')
  assert.deepEqual(first.found(), { a: stale('a', 'unreachable', wall.now - TIMES.freshMs - 1) })
  const second = await one.read(['a'])
  await shops.next().answer()
  assert.deepEqual(second.found(), { a: fresh('a') })
})

const UNUSABLE: { name: string; text: string }[] = [
  { name: 'no JSON', text: '{"at":' },
  { name: 'null', text: 'null' },
  { name: 'a number', text: '7' },
  { name: 'nothing agreed on', text: '{}' },
  { name: 'without a time', text: '{"value":{"name":"x"}}' },
  { name: 'with a time that is none', text: '{"at":1e999,"value":{"name":"x"}}' },
  { name: 'without a value', text: `{"at":${START}}` },
  { name: 'of another shape', text: `{"at":${START},"value":{"title":"x"}}` },
  { name: 'of another id', text: `{"at":${START},"value":{"name":"x","of":"b"}}` },
  { name: 'from the future', text: `{"at":${START + SKEW_MS + 1},"value":{"name":"x"}}` },
  { name: 'too old', text: `{"at":${START - TIMES.staleIfErrorMs - 1},"value":{"name":"x"}}` },
]
for (const { name, text: held } of UNUSABLE) {
  test(`a copy that is ${name} is as if it were not there, and is overwritten`, async () => {
    const { one, put, keyOf, shops, text, counts } = stage()
    put(keyOf('a'), held, TIMES.staleIfErrorMs)
    const reading = await one.read(['a'])
    await shops.next().fail('unavailable')
    assert.deepEqual(reading.found(), { a: missing('unavailable') })
    await one.read(['a'])
    await shops.next().answer()
    assert.equal(text('a'), JSON.stringify({ at: START, value: { name: 'the a' } }))
    assert.equal(counts.claim, 0)
  })
}

test('what is too large is shown, not kept, and told without what it holds', async () => {
  const { one, shops, text, logged, counts, copy } = stage()
  const largest = 'ü'.repeat((MAX_BYTES - `{"at":${START},"value":{"name":""}}`.length) / 2)
  for (const [name, isKept] of [
    [largest, true],
    [`${largest}x`, false],
  ] as const) {
    const reading = await one.read([`a${isKept}`])
    await shops.next().answer({ [`a${isKept}`]: { name } })
    assert.deepEqual(reading.found(), { [`a${isKept}`]: { state: 'fresh', value: { name } } })
    assert.equal(text(`a${isKept}`) !== undefined, isKept)
  }
  assert.deepEqual(logged, [{ level: 'debug', fields: { kind: KIND, bytes: MAX_BYTES + 1 } }])
  copy('old', TIMES.freshMs + 1)
  await one.read(['old'])
  await shops.next().answer({ old: { name: `${largest}x` } })
  assert.equal(counts.release, 0, 'it is asked for once a claim')
})

test('what cannot be used is told without what it holds', async () => {
  const { one, put, keyOf, logged } = stage()
  put(keyOf('a'), '{"at": 1, "value": {"secret": oops}}', TIMES.staleIfErrorMs)
  await one.read(['a'])
  assert.deepEqual(logged, [{ level: 'debug', fields: { kind: KIND } }])
})

test('an answer that leaves somebody out is wrong for them only', async () => {
  const { one, shops, text } = stage()
  const reading = await one.read(['a', 'b'])
  await shops.next().answer({ b: { name: 'the b' }, c: { name: 'never asked for' } })
  assert.deepEqual(reading.found(), { a: missing('wrong-answer'), b: fresh('b') })
  assert.deepEqual([text('a'), text('c')], [undefined, undefined])
})

test('a call that fails as nobody foresaw is an error to be mended, told without its words', async () => {
  const { one, shops, logged } = stage()
  const reading = await one.read(['a'])
  await shops.next().fail(new TypeError('somebody’s name'))
  assert.deepEqual(reading.found(), { a: missing('wrong-answer') })
  assert.deepEqual(logged, [{ level: 'error', fields: { kind: KIND, error: 'TypeError' } }])
})

test('stop ends all waiting and all calls, and nothing is asked after it', async () => {
  const { one, copy, shops } = stage()
  copy('due', TIMES.refreshAfterMs)
  copy('old', TIMES.freshMs + 1)
  await one.read(['due'])
  const reading = await one.read(['none'])
  one.stop()
  one.stop()
  await turn()
  assert.deepEqual(reading.found(), { none: missing('cancelled') })
  assert.deepEqual(
    shops.calls.map(({ ids, caller }) => [ids.join(), caller.signal.aborted]),
    [
      ['due', true],
      ['none', true],
    ],
  )
  for (const { fail } of shops.calls) await fail('cancelled')
  assert.equal(one.clock.pending(), 0)
  assert.deepEqual((await one.read(['old', 'none'])).found(), { old: missing('cancelled'), none: missing('cancelled') })
  assert.equal(shops.calls.length, 2)
  assert.equal(one.clock.pending(), 0)
})

test('unless it is said otherwise, a copy is refreshed from half its life on, and a call takes as many as a port lets it', async () => {
  let now = START
  const { redis, put } = fakeRedis(() => now)
  const calls: string[][] = []
  const fetch = async (ids: string[], _: Caller) => {
    calls.push(ids)
    return new Map(ids.map((id) => [id, 1]))
  }
  const times = { freshMs: 100 }
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const { read } = foreignCopies<number>({
    ...{
      redis,
      kind: 'n',
      shape: 1,
      fetch,
      check: Number,
      callMs: CALL_MS,
      refreshes: REFRESHES,
      times,
      now: () => now,
      log,
    },
  })
  const caller = { untilMs: performance.now() + 10_000, signal: new AbortController().signal, requestId: '', trace: {} }
  put(foreignKey('n', 1, 'a'), JSON.stringify({ at: START, value: 1 }), FOREIGN_TIMES.staleIfErrorMs)
  for (const [ageMs, asked] of [
    [49, 0],
    [50, 1],
  ] as const) {
    now = START + ageMs
    await read(['a'], caller)
    await turn()
    assert.equal(calls.length, asked)
  }
  await read(
    Array.from({ length: MAX_BRANCHES_A_CALL + 1 }, (_, i) => `m${i}`),
    caller,
  )
  assert.deepEqual(
    calls.slice(1).map(({ length }) => length),
    [MAX_BRANCHES_A_CALL, 1],
  )
})
