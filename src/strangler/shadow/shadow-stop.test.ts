import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { UNLIMITED } from '../../domain/authority.ts'
import type { Comparison, LegacyAnswer, LegacyCopy, LegacyRequest, LegacyRoute } from '../../ports/strangler.ts'
import { type ShadowDeps, shadow } from './shadow.ts'

const TYPE = { 'content-type': 'application/json' }
const REQUEST: LegacyRequest = {
  ...{ params: { id: '7' }, query: '', headers: {}, body: undefined },
  by: { name: 'till', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED },
}
const copy = (body: unknown): LegacyCopy => ({ status: 200, headers: TYPE, body: Buffer.from(JSON.stringify(body)) })
const ours = (body: unknown): LegacyAnswer => ({ status: 200, headers: TYPE, body, version: '1' })
const route = (answer: LegacyRoute['answer']): LegacyRoute => ({
  ...{ id: 'get-user', scopes: ['users:read'], method: 'GET', path: '/users/:id/', stickyBy: 'user', rules: {} },
  takes: () => true,
  answer,
})

/** Nothing here may wait for a clock: it stands still, and what waits for it nevertheless is found by its limit. */
const LIMIT = { timeout: 10_000 }
const stopClock = (t: TestContext) => t.mock.timers.enable({ apis: ['setTimeout'] })
const turn = () => new Promise((resolve) => setImmediate(resolve))
const until = async (condition: () => boolean) => {
  while (!condition()) await turn()
}

/** Comparisons that wait for copies as the service's own do. */
function start(given: Partial<ShadowDeps> = {}) {
  const outcomes: Comparison[] = []
  const told: unknown[] = []
  const log = (fields: object) => void told.push(fields)
  const one = shadow({
    ...{ concurrent: 1, samplePercent: 100 },
    modes: { of: () => ({ mode: { mode: 'shadow' }, setting: null }) },
    observer: { compared: (_, outcome) => void outcomes.push(outcome) },
    record: () => undefined,
    log: { debug: log, info: log, warn: log, error: log },
    ...given,
  })
  return { ...one, outcomes, told }
}

test('a stop ends the waiting for copies, at once, and nothing is concluded', LIMIT, async (t) => {
  stopClock(t)
  const { begin, stop, outcomes, told } = start()
  let answers = 0
  const answer = async () => {
    answers += 1
    return ours({ name: 'Otto' })
  }
  begin(route(answer))?.ofLegacy(REQUEST, copy({ name: 'Anna' }), async () => copy({ name: 'Anna' }))
  await until(() => answers === 2)
  await turn()
  await stop()
  assert.deepEqual([outcomes, told, answers], [[], [], 2])
})

test('who comes to wait for copies only after the stop does not wait either', LIMIT, async (t) => {
  stopClock(t)
  const { begin, stop, outcomes, told } = start()
  const again = Promise.withResolvers<LegacyCopy>()
  let asked = false
  begin(route(async () => ours({ name: 'Otto' })))?.ofLegacy(REQUEST, copy({ name: 'Anna' }), () => {
    asked = true
    return again.promise
  })
  await until(() => asked)
  const stopped = stop()
  again.resolve(copy({ name: 'Anna' }))
  await stopped
  assert.deepEqual([outcomes, told], [[], []])
})

test('after a stop nothing is begun, and what had a place gives it back without a word', async () => {
  const { begin, stop, outcomes } = start()
  const look = begin(route(async () => ours({})))
  await stop()
  look?.ofLegacy(REQUEST, copy({}), async () => copy({}))
  assert.equal(begin(route(async () => ours({}))), null)
  assert.deepEqual(outcomes, [])
})

test('what is thrown and is no error is told by that alone', LIMIT, async () => {
  const { begin, outcomes, told } = start()
  begin(route(async () => ours({})))?.ofNative(REQUEST, ours({}), () => Promise.reject('secret of somebody'))
  await until(() => outcomes.length > 0)
  assert.deepEqual([outcomes, told], [['failed'], [{ route: 'get-user', reason: 'error' }]])
})
