import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { UNLIMITED } from '../domain/authority.ts'
import { DomainError } from '../domain/errors.ts'
import type { Mode } from '../domain/strangler.ts'
import { NeighbourError } from '../ports/neighbours.ts'
import type { LegacyAnswer, LegacyCopy, LegacyRequest, LegacyRoute } from '../ports/strangler.ts'
import { type Registered, registerStrangler } from './plugin.ts'
import type { LegacyApplication, Passed } from './proxy/legacy-application.ts'
import type { Look } from './shadow/shadow.ts'

const TYPE = { 'content-type': 'application/json' }
const COPY: LegacyCopy = { status: 200, headers: TYPE, body: Buffer.from('{}') }
const ANSWERED: Passed = { outcome: 'answered', status: 200, headMs: 1, copy: COPY }
const ours = (body: unknown, status = 200): LegacyAnswer => ({ status, headers: TYPE, body, version: null })

type Given = {
  mode: Mode
  method?: LegacyRoute['method']
  answer?: (request: LegacyRequest) => Promise<LegacyAnswer>
  /** Null: there is no legacy application. */
  passed?: Passed | null
  asked?: () => Promise<LegacyCopy>
}

/** One route of a service whose legacy application answers as the test has it. */
function start(
  t: TestContext,
  { mode, method = 'GET', answer = async () => ours({}), passed = ANSWERED, ...given }: Given,
) {
  const seen: string[] = []
  const bodies: unknown[] = []
  const legacy = {
    pass: async (_request, response) => {
      response.end('legacy')
      return passed
    },
    ask: given.asked ?? (async () => COPY),
  } as Partial<LegacyApplication> as LegacyApplication
  const look: Look = {
    ofLegacy: (_request, copy) => void seen.push(`compared ${copy?.status}`),
    ofNative: (_request, _answer, ask) =>
      void ask(new AbortController().signal).then(
        ({ status }) => seen.push(`asked ${status}`),
        () => seen.push('asked in vain'),
      ),
    cancel: () => void seen.push('not compared'),
  }
  const deps: Registered = {
    legacy: passed === null ? null : legacy,
    routes: [
      {
        ...{ id: 'one', scopes: ['users:read'], path: '/users/:id/', stickyBy: 'user', rules: {}, takes: () => true },
        method,
        answer: (request) => {
          bodies.push(request.body)
          return answer(request)
        },
      },
    ],
    modes: { of: () => ({ mode, setting: null }) },
    shadow: { begin: () => look, stop: async () => undefined },
    observer: {
      answered: (_route, by, failed) => void seen.push(`${by} ${failed ? 'failed' : 'answered'}`),
      compared: () => undefined,
      asked: (_route, failed) => void seen.push(`legacy asked${failed ? ', failed' : ''}`),
    },
    ...{ requestMs: 1_000, trustedProxies: [], showsOurs: () => true },
    statusOf: (error) => (error instanceof DomainError ? 404 : 500),
  }
  const app = Fastify()
  t.after(() => app.close())
  app.decorateRequest('admit', async () => undefined)
  app.decorateRequest('actor', { getter: () => ({ name: 'till', requestId: 'r', address: '::1', ...UNLIMITED }) })
  registerStrangler(app, deps)
  const settled = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    return seen
  }
  return { app, settled, bodies }
}

const CANARY: Mode = { mode: 'canary', percent: 100 }
const ask = { method: 'GET', url: '/users/7/' } as const

test('in shadow the client has the legacy answer, and ours is compared with it', async (t) => {
  const { app, settled } = start(t, { mode: { mode: 'shadow' } })
  assert.equal((await app.inject(ask)).body, 'legacy')
  assert.deepEqual(await settled(), ['legacy answered', 'compared 200'])
})

test('a HEAD has nothing that could be compared', async (t) => {
  const { app, settled } = start(t, { mode: { mode: 'shadow' } })
  await app.inject({ ...ask, method: 'HEAD' })
  assert.deepEqual(await settled(), ['legacy answered'])
})

for (const [outcome, seen] of [
  ['timeout', ['legacy failed', 'not compared']],
  ['cancelled', ['not compared']],
  ['refused', ['not compared']],
] as const) {
  test(`a legacy answer that there was not (${outcome}) is counted by whose fault that is, and not compared`, async (t) => {
    const { app, settled } = start(t, { mode: { mode: 'shadow' }, passed: { outcome, headMs: 1 } })
    await app.inject(ask)
    assert.deepEqual(await settled(), seen)
  })
}

test('a canary’s client has ours, and the legacy application is asked what it would have said', async (t) => {
  const { app, settled } = start(t, { mode: CANARY, answer: async () => ours({ id: 7 }) })
  const { body, headers } = await app.inject(ask)
  assert.deepEqual([body, headers['answered-by'], headers['content-type']], ['{"id":7}', 'native', 'application/json'])
  assert.deepEqual(await settled(), ['native answered', 'legacy asked', 'asked 200'])
})

test('that it fails, or does not answer, is counted for it', async (t) => {
  const ill = start(t, { mode: CANARY, asked: async () => ({ ...COPY, status: 503 }) })
  await ill.app.inject(ask)
  assert.deepEqual(await ill.settled(), ['native answered', 'legacy asked, failed', 'asked 503'])
  const away = start(t, { mode: CANARY, asked: () => Promise.reject(new NeighbourError('legacy', 'timeout')) })
  await away.app.inject(ask)
  assert.deepEqual(await away.settled(), ['native answered', 'legacy asked, failed', 'asked in vain'])
})

test('where we fail a canary’s client has the legacy answer; what is the client’s own fault, ours', async (t) => {
  const failing = start(t, { mode: CANARY, answer: () => Promise.reject(new Error('planted')) })
  assert.equal((await failing.app.inject(ask)).body, 'legacy')
  assert.deepEqual(await failing.settled(), ['native failed', 'legacy answered'])
  const none = start(t, {
    mode: CANARY,
    answer: () => Promise.reject(new DomainError('user-not-found', 'There is no such user.')),
  })
  assert.notEqual((await none.app.inject(ask)).body, 'legacy')
  assert.deepEqual(await none.settled(), ['native answered'])
})

test('what changes something is never tried elsewhere after it has failed here', async (t) => {
  const { app, settled } = start(t, {
    ...{ mode: CANARY, method: 'POST' },
    answer: () => Promise.reject(new Error('planted')),
  })
  assert.equal((await app.inject({ ...ask, method: 'POST', payload: {} })).statusCode, 500)
  assert.deepEqual(await settled(), ['native failed'])
})

test('without a legacy application we answer alone, a canary too, and what is not ours is not there', async (t) => {
  const native = start(t, { mode: CANARY, passed: null, answer: async () => ours({}) })
  assert.equal((await native.app.inject(ask)).body, '{}')
  assert.deepEqual(await native.settled(), ['native answered'])
  const failing = start(t, { mode: CANARY, passed: null, answer: () => Promise.reject(new Error('planted')) })
  assert.equal((await failing.app.inject(ask)).statusCode, 500)
  const legacy = start(t, { mode: { mode: 'legacy' }, passed: null })
  assert.equal((await legacy.app.inject(ask)).statusCode, 404)
})

test('an answer without a body has none', async (t) => {
  const { app } = start(t, { mode: CANARY, answer: async () => ours(undefined, 204) })
  const { statusCode, body } = await app.inject(ask)
  assert.deepEqual([statusCode, body], [204, ''])
})

test('a body is JSON, or nothing: what it is otherwise is for the route to refuse', async (t) => {
  const { app, bodies } = start(t, { mode: { mode: 'native' }, method: 'POST', answer: async () => ours({}) })
  for (const payload of ['{"a":1}', '{', Buffer.from([0x22, 0xff, 0x22])])
    await app.inject({ ...ask, method: 'POST', payload, headers: { 'content-type': 'text/plain' } })
  assert.deepEqual(bodies, [{ a: 1 }, undefined, undefined])
})
