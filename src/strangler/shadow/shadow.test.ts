import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../../test/support/service.ts'
import { UNLIMITED } from '../../domain/authority.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Finding } from '../../ports/evidence.ts'
import { NeighbourError } from '../../ports/neighbours.ts'
import type { Comparison, LegacyAnswer, LegacyCopy, LegacyRequest, LegacyRoute } from '../../ports/strangler.ts'
import { SETTLE_MS, type ShadowDeps, shadow } from './shadow.ts'

const TYPE = { 'content-type': 'application/json' }
const REQUEST: LegacyRequest = {
  params: { id: '7' },
  query: '',
  headers: {},
  body: undefined,
  by: { name: 'till', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED },
}
const copy = (body: unknown, status = 200): LegacyCopy => ({
  status,
  headers: TYPE,
  body: Buffer.from(JSON.stringify(body)),
})
const answer = (body: unknown, version: string | null = '1'): LegacyAnswer => ({
  status: 200,
  headers: TYPE,
  body,
  version,
})
const route = (answers: () => Promise<LegacyAnswer>, method: LegacyRoute['method'] = 'GET'): LegacyRoute => ({
  id: 'get-user',
  scopes: ['users:read'],
  method,
  path: '/users/:id/',
  stickyBy: 'user',
  rules: { headers: ['content-type'] },
  takes: () => true,
  answer: answers,
})
/** The last one stands from then on. */
const inTurn = <Value>(...values: (Value | Error)[]) => {
  let calls = 0
  const next = async (): Promise<Value> => {
    const value = values[Math.min(calls, values.length - 1)]
    calls += 1
    if (value === undefined || value instanceof Error) throw value
    return value
  }
  return Object.assign(next, { calls: () => calls })
}

function start(given: Partial<ShadowDeps> = {}) {
  const outcomes: Comparison[] = []
  const findings: Finding[] = []
  const logged: unknown[] = []
  const log = (fields: object, message: string) => void logged.push(fields, message)
  const one = shadow({
    concurrent: 2,
    samplePercent: 100,
    modes: { of: () => ({ mode: { mode: 'shadow' }, setting: null }) },
    observer: { compared: (_, outcome) => void outcomes.push(outcome) },
    record: (_, finding) => void findings.push(finding),
    log: { debug: log, info: log, warn: log, error: log },
    settle: async () => undefined,
    ...given,
  })
  const ended = (count = 1) => until(`${count} comparisons have ended`, async () => outcomes.length >= count)
  return { ...one, outcomes, findings, logged, ended }
}

/** One comparison: the legacy answers in their order, and ours. */
async function compared(legacy: (LegacyCopy | Error)[], native: (LegacyAnswer | Error)[], given?: Partial<ShadowDeps>) {
  const one = start(given)
  const [first, ...further] = legacy
  const again = inTurn<LegacyCopy>(...further)
  const answers = inTurn(...native)
  one.begin(route(answers))?.ofLegacy(REQUEST, first instanceof Error || first === undefined ? null : first, again)
  await one.ended()
  const [finding] = one.findings
  const paths = finding?.differences.map(({ path }) => path)
  return {
    outcome: one.outcomes.join(),
    paths,
    finding,
    again: again.calls(),
    answers: answers.calls(),
    logged: one.logged,
  }
}

test('the same answer is equal, and nobody is asked again', async () => {
  const { outcome, again, answers, finding } = await compared(
    [copy({ a: 1, b: 2 })],
    [answer({ b: 2, a: 1, c: undefined })],
  )
  assert.deepEqual([outcome, again, answers, finding], ['equal', 0, 1, undefined])
})

test('what differs still after our copies have caught up is a mismatch, told by path and masked', async () => {
  const { outcome, finding, again, answers } = await compared(
    [copy({ name: 'Anna', n: 1 }), copy({ name: 'Anna', n: 1 })],
    [answer({ name: 'Otto', n: 1 })],
  )
  assert.deepEqual([outcome, again, answers], ['mismatch', 1, 3])
  assert.deepEqual(finding, {
    outcome: 'mismatch',
    answeredBy: 'legacy',
    requestId: 'r1',
    differences: [{ path: '/name', legacy: '"Xxxx"', native: '"Xxxx"' }],
  })
})

test('what the legacy application answers otherwise each time is noise; a real difference beside it is not', async () => {
  const at = (n: number, name = 'Anna') => copy({ at: n, name })
  const noise = await compared([at(1), at(2)], [answer({ at: 9, name: 'Anna' })])
  assert.deepEqual([noise.outcome, noise.paths, noise.answers], ['noise', ['/at'], 2])
  const both = await compared([at(1), at(2)], [answer({ at: 9, name: 'Otto' })])
  assert.deepEqual([both.outcome, both.paths], ['mismatch', ['/name']])
})

test('noise covers what is beneath it, and other elements of an array without keys', async () => {
  const lists = (...ids: number[]) => copy({ extra: null, ids })
  const found = await compared([lists(1, 2, 3), lists(2, 1, 3)], [answer({ extra: null, ids: [3, 2, 1] })])
  assert.deepEqual([found.outcome, found.paths], ['noise', ['/ids/*']])
  const beneath = await compared([copy({ a: null }), copy({ a: { b: 1 } })], [answer({ a: { b: 2 } })])
  assert.deepEqual(beneath.outcome, 'noise')
  const text = (body: string): LegacyCopy => ({ status: 200, headers: {}, body: Buffer.from(body) })
  // The whole text is noise; the header is not.
  const whole = await compared([text('a'), text('b')], [answer('c')])
  assert.deepEqual([whole.outcome, whole.paths], ['mismatch', ['header:content-type']])
})

test('what the legacy application answers with another status each time is noise altogether', async () => {
  const { outcome, paths } = await compared([copy({}, 404), copy({ at: 1 })], [answer({ at: 2 })])
  assert.deepEqual([outcome, paths], ['noise', ['status']])
})

test('what is right a moment later was a race', async () => {
  // Written between the legacy application's answer and ours.
  assert.equal((await compared([copy(1), copy(2)], [answer(2, '2')])).outcome, 'race')
  // Written between its second answer and ours.
  assert.equal((await compared([copy(1), copy(2)], [answer(7, '1'), answer(3, '3')])).outcome, 'race')
  // Written before all of them; our copies catch up only now.
  const late = await compared([copy(2), copy(2)], [answer(1, '1'), answer(1, '1'), answer(2, '2')])
  assert.deepEqual([late.outcome, late.answers], ['race', 3])
  // Without versions our answers tell.
  assert.equal(
    (await compared([copy(2), copy(2)], [answer(1, null), answer(1, null), answer(3, null)])).outcome,
    'race',
  )
})

test('deleted and made again in between is a race as well', async () => {
  const gone = copy({ detail: 'Not found.' }, 404)
  const notFound = { ...answer({ detail: 'Not found.' }, null), status: 404 }
  assert.equal((await compared([copy({ a: 1 }), gone], [notFound])).outcome, 'race')
  assert.equal((await compared([gone, copy({ a: 1 })], [answer({ a: 1 })])).outcome, 'race')
  assert.equal((await compared([copy({ a: 1 }), gone], [answer({ a: 2 }), notFound])).outcome, 'race')
})

test('another status is a mismatch', async () => {
  const { outcome, finding } = await compared([copy({}, 404), copy({}, 404)], [answer({})])
  assert.deepEqual([outcome, finding?.differences], ['mismatch', [{ path: 'status', legacy: '404', native: '200' }]])
})

test('where we fail and the legacy application does not it is a mismatch; where we fail once it is neither', async () => {
  const error = new DomainError('database-unavailable', 'Anna is away')
  const { outcome, finding } = await compared([copy({}), copy({})], [error])
  assert.equal(outcome, 'mismatch')
  assert.deepEqual(finding?.differences, [{ path: 'native:error', legacy: '200', native: '"database-unavailable"' }])
  assert.equal(
    (await compared([copy({}), copy({})], [new TypeError('x')])).finding?.differences[0]?.native,
    '"TypeError"',
  )
  assert.equal((await compared([copy({}), copy({})], [error, answer({})])).outcome, 'failed')
  assert.equal((await compared([copy({}), copy({})], [answer(1), error])).outcome, 'failed')
  assert.equal((await compared([copy({}), copy({})], [answer(1), answer(1), error])).outcome, 'failed')
  const circular: Record<string, unknown> = {}
  circular.self = circular
  assert.equal((await compared([copy({}), copy({})], [answer(circular)])).paths?.[0], 'native:error')
})

test('a legacy application that does not answer says nothing of us', async () => {
  for (const first of [copy({}, 500), copy({}, 503), copy({}, 429), copy({}, 304), copy({}, 206), new Error()]) {
    const { outcome, finding } = await compared([first, first], [answer({ a: 1 })])
    assert.deepEqual([outcome, finding], ['failed', undefined])
  }
  const broken = { ...copy({}), body: Buffer.from('{"name": "Anna') }
  const unreadable = await compared([broken], [answer({})])
  assert.equal(unreadable.outcome, 'failed')
  assert.doesNotMatch(JSON.stringify(unreadable.logged), /Anna/)
  const secret = await compared([copy({}), new Error('GET /users/by-username/anna')], [answer(1)])
  assert.equal(secret.outcome, 'failed')
  assert.doesNotMatch(JSON.stringify(secret.logged), /anna/)
  assert.equal((await compared([copy({}), new NeighbourError('legacy', 'timeout')], [answer(1)])).outcome, 'failed')
  assert.equal((await compared([copy({}), copy({}, 502)], [answer(1)])).outcome, 'failed')
})

test('where the client has our answer the legacy application is asked afterwards', async () => {
  const one = start()
  const ask = inTurn(copy({ a: 1 }))
  one.begin(route(inTurn(answer({ a: 2 }))))?.ofNative(REQUEST, answer({ a: 2 }), ask)
  await one.ended()
  one.begin(route(inTurn(answer({ a: 1 }))))?.ofNative(REQUEST, answer({ a: 1 }), ask)
  await one.ended(2)
  assert.deepEqual(one.outcomes, ['mismatch', 'equal'])
  assert.equal(one.findings[0]?.answeredBy, 'native')
  assert.equal(ask.calls(), 3)
})

test('no more are compared at once than there are places; none waits, and those left out are counted', async () => {
  const one = start({ concurrent: 2 })
  let release = (_: LegacyAnswer): void => undefined
  const gate = new Promise<LegacyAnswer>((resolve) => {
    release = resolve
  })
  const slow = route(() => gate)
  const looks = [one.begin(slow), one.begin(slow)]
  assert.equal(one.begin(slow), null)
  for (const look of looks) look?.ofLegacy(REQUEST, copy({}), inTurn(copy({})))
  assert.equal(one.begin(slow), null)
  assert.deepEqual(one.outcomes, ['dropped', 'dropped'])
  release(answer({}))
  await one.ended(4)
  assert.deepEqual(one.outcomes.slice(2), ['equal', 'equal'])
  await until('there is a place again', async () => one.begin(slow))
})

test('a place is given back once, whatever is called', async () => {
  const one = start({ concurrent: 1 })
  const at = route(inTurn(answer({})))
  for (let i = 0; i < 5; i += 1) {
    const look = one.begin(at)
    assert.ok(look)
    look.cancel()
    look.cancel()
    look.ofLegacy(REQUEST, copy({}), inTurn(copy({})))
  }
  assert.ok(one.begin(at))
  assert.equal(one.begin(at), null)
  assert.deepEqual(one.outcomes, ['dropped'])
})

test('so many are compared as are to be, and writes never', () => {
  const draws = [0, 0.049, 0.05, 0.5, 0.999]
  const drawn = (samplePercent: number) => {
    const next = draws[Symbol.iterator]()
    const one = start({ samplePercent, concurrent: 10, random: () => next.next().value ?? 0 })
    return draws.map(() => one.begin(route(inTurn(answer({})))) !== null)
  }
  assert.deepEqual(drawn(5), [true, true, false, false, false])
  assert.deepEqual(
    drawn(0),
    draws.map(() => false),
  )
  assert.deepEqual(
    drawn(100),
    draws.map(() => true),
  )
  const one = start()
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const)
    assert.equal(one.begin(route(inTurn(answer({})), method)), null)
  assert.deepEqual(one.outcomes, [])
})

test('nothing is computed before whoever calls has gone on, and what throws at once reaches nobody', async () => {
  const one = start()
  let asked = false
  const throwing = route(() => {
    asked = true
    throw new Error('at once')
  })
  one.begin(throwing)?.ofLegacy(REQUEST, copy({}), () => {
    throw new Error('as well')
  })
  for (let turns = 0; turns < 100; turns += 1) await Promise.resolve()
  assert.equal(asked, false)
  await one.ended()
  assert.deepEqual([asked, one.outcomes], [true, ['failed']])
})

test('who does not answer in time is given up, and leaves the place', async (t) => {
  // Node can; its types do not know yet.
  t.mock.timers.enable({ apis: ['AbortSignal.timeout', 'setTimeout'] as unknown as 'setTimeout'[] })
  const one = start({ concurrent: 1, deadlineMs: 50 })
  const never = new Promise<never>(() => undefined)
  one.begin(route(() => never))?.ofLegacy(REQUEST, copy({}), () => never)
  await new Promise(setImmediate)
  t.mock.timers.tick(50 + SETTLE_MS)
  while (one.outcomes.length === 0) await new Promise(setImmediate)
  assert.deepEqual(one.outcomes, ['failed'])
  await new Promise(setImmediate)
  assert.ok(one.begin(route(() => never)))
})

test('what ends in another mode than it was begun in is not counted', async () => {
  let at = '2026-11-29T10:00:00.000Z'
  const setting = () => ({ mode: 'shadow' as const, reason: '', by: '', at })
  const one = start({ concurrent: 1, modes: { of: () => ({ mode: { mode: 'shadow' }, setting: setting() }) } })
  const look = one.begin(route(inTurn(answer(1))))
  look?.ofLegacy(REQUEST, copy(1), inTurn(copy(1)))
  at = '2026-11-29T10:00:01.000Z'
  const isFree = async () => {
    const next = one.begin(route(inTurn(answer(1))))
    next?.cancel()
    return next !== null
  }
  await until('its place is free', isFree)
  await one.stop()
  assert.deepEqual(
    one.outcomes.filter((outcome) => outcome !== 'dropped'),
    [],
  )
})

test('stopping waits for what is under way, but not for copies, and begins nothing', async () => {
  // With the real wait: it is cut short.
  const outcomes: Comparison[] = []
  const one = shadow({
    concurrent: 3,
    samplePercent: 100,
    modes: { of: () => ({ mode: { mode: 'shadow' }, setting: null }) },
    observer: { compared: (_, outcome) => void outcomes.push(outcome) },
    record: () => undefined,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  })
  const asked = inTurn(answer(2))
  const late = one.begin(route(asked))
  one.begin(route(asked))?.ofLegacy(REQUEST, copy(1), inTurn(copy(1)))
  await until('it waits for copies', async () => asked.calls() === 2)
  await new Promise(setImmediate)
  const began = performance.now()
  await one.stop()
  assert.ok(performance.now() - began < SETTLE_MS / 2)
  assert.equal(one.begin(route(asked)), null)
  late?.ofLegacy(REQUEST, copy(1), inTurn(copy(1)))
  await new Promise(setImmediate)
  assert.deepEqual([outcomes, asked.calls()], [[], 2])
})
