import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Fastify, { type FastifyContextConfig, type HTTPMethods } from 'fastify'
import { pino } from 'pino'
import { DomainError } from '../domain/errors.ts'
import { type Principal, principalKey, type Scope } from '../domain/principal.ts'
import type { Standing } from '../ports/rate-limits.ts'
import { registerActor } from './actor.ts'
import { type AccessDeps, registerAuthentication } from './authentication.ts'
import { registerErrors } from './errors.ts'

const principal = (...scopes: Scope[]): Principal => {
  const who = { subject: 'till-7', client: 'trs' }
  return { ...who, key: principalKey(who), scopes: new Set(scopes), branches: null, userId: null }
}
const FULL: Standing = { allowed: false, limit: 10, remaining: 0, resetS: 17 }
const ROOM: Standing = { allowed: true, limit: 10, remaining: 9, resetS: 17 }

type Given = {
  known?: Record<string, Principal>
  identity?: AccessDeps['identity']
  limits?: Partial<AccessDeps['limits']>
  config?: FastifyContextConfig
  method?: HTTPMethods
}

/** One route, at /v1/thing, behind an authenticator that knows what it is given; what it was asked is noted. */
async function app(t: TestContext, { known = {}, identity = null, limits = {}, config, method = 'GET' }: Given) {
  const asked: string[] = []
  const counted: string[] = []
  const one = Fastify()
  t.after(() => one.close())
  registerAuthentication(one, {
    authenticator: {
      seen: () => undefined,
      async authenticate(authorization) {
        asked.push(authorization)
        const found = known[authorization]
        if (!found) throw new DomainError('token-invalid', 'The token has expired.')
        return found
      },
      state: () => ({ ready: true, keysAgeMs: null, failing: false }),
      stop: () => undefined,
    },
    identity,
    limits: {
      here(load) {
        counted.push(load)
        return ROOM
      },
      giveBack: () => undefined,
      async shared(load) {
        counted.push(load)
        return ROOM
      },
      refused(_address, take) {
        if (take) counted.push('refused')
        return null
      },
      ...limits,
    },
  })
  registerActor(one)
  registerErrors(one, pino({ level: 'silent' }))
  one.route({
    method,
    url: '/v1/thing',
    ...(config ? { config } : {}),
    handler: async (request) => ({ by: request.actor.name, personal: request.seesPersonal }),
  })
  await one.ready()
  const ask = (headers = {}, body?: object) =>
    one.inject({ method: method as 'GET', url: '/v1/thing', headers, ...(body ? { payload: body } : {}) })
  return { one, asked, counted, ask }
}
const READ = { scope: 'users:read' } as const
const WITH = (token: string) => ({ authorization: `Bearer ${token}` })

test('a route that says no scope, or one that there is not, does not start', async (t) => {
  await assert.rejects(app(t, {}), /GET \/v1\/thing says no scope/)
  await assert.rejects(app(t, { config: { scope: 'everything' as Scope } }), /says no scope/)
  await assert.rejects(app(t, { config: { load: 'read' } }), /says no scope/)
})

test('a route that is open asks nobody who they are', async (t) => {
  const { asked, counted, ask } = await app(t, { config: { scope: null } })
  assert.deepEqual((await ask(WITH('x'))).json(), { by: 'anonymous', personal: false })
  assert.deepEqual([asked, counted], [[], []])
})

test('without a token it is 401, and the challenge says no more; counted by address', async (t) => {
  const { counted, ask } = await app(t, { config: READ })
  const answer = await ask()
  assert.equal(answer.statusCode, 401)
  assert.equal(answer.json().code, 'token-missing')
  assert.equal(answer.headers['www-authenticate'], 'Bearer realm="users-service"')
  assert.deepEqual(counted, ['refused'])
})

test('with one that does not hold it is 401, and says why as RFC 6750 wants it', async (t) => {
  const { counted, ask } = await app(t, { config: READ })
  const answer = await ask(WITH('old'))
  assert.equal(answer.statusCode, 401)
  assert.equal(
    answer.headers['www-authenticate'],
    'Bearer realm="users-service", error="invalid_token", error_description="The token has expired."',
  )
  assert.deepEqual(counted, ['refused'])
})

test('with one that lacks the scope it is 403, and names the scope', async (t) => {
  const known = { 'Bearer a': principal('users:write', 'users:pii', 'operate') }
  const { ask } = await app(t, { known, config: READ })
  const answer = await ask(WITH('a'))
  assert.equal(answer.statusCode, 403)
  assert.equal(answer.json().code, 'missing-scope')
  assert.match(String(answer.headers['www-authenticate']), /error="insufficient_scope", scope="users:read"$/)
})

test('with the right one it is answered, counted, and told how much is left; HEAD like GET', async (t) => {
  const known = { 'Bearer a': principal('users:read', 'users:pii') }
  const { one, counted, ask } = await app(t, { known, config: READ })
  const answer = await ask(WITH('a'))
  assert.deepEqual(answer.json(), { by: 'till-7', personal: true })
  assert.ok(answer.headers.ratelimit && answer.headers['ratelimit-policy'])
  const head = await one.inject({ method: 'HEAD', url: '/v1/thing', headers: WITH('a') })
  assert.equal(head.statusCode, 200)
  assert.equal((await one.inject({ method: 'HEAD', url: '/v1/thing' })).statusCode, 401)
  assert.deepEqual(counted, ['read', 'read', 'refused'])
})

test('what is more than there may be is 429 with Retry-After', async (t) => {
  const known = { 'Bearer a': principal('users:read') }
  const { ask } = await app(t, { known, config: READ, limits: { here: () => FULL } })
  const answer = await ask(WITH('a'))
  assert.equal(answer.statusCode, 429)
  assert.equal(answer.headers['retry-after'], '17')
})

test('who has shown too many bad tokens is not given another signature’s work', async (t) => {
  const known = { 'Bearer a': principal('users:read') }
  const { asked, ask } = await app(t, { known, config: READ, limits: { refused: () => FULL } })
  assert.equal((await ask(WITH('a'))).statusCode, 429)
  assert.deepEqual(asked, [])
})

test('an identity in a header is taken from a proxy of ours alone, and a token goes before it', async (t) => {
  const identity = (from: string): AccessDeps['identity'] => ({
    header: 'x-client',
    isFrom: (peer) => peer === from,
    principal: (value) => (value === 'till' ? principal('users:read') : undefined),
  })
  const ours = await app(t, { config: READ, identity: identity('127.0.0.1') })
  assert.equal((await ours.ask({ 'x-client': 'till' })).statusCode, 200)
  assert.equal((await ours.ask({ 'x-client': 'nobody' })).statusCode, 401)
  assert.equal((await ours.ask({ 'x-client': 'till', ...WITH('bad') })).statusCode, 401)
  assert.equal((await ours.ask({ 'x-client': ['till', 'till'] })).statusCode, 401)
  const others = await app(t, { config: READ, identity: identity('10.0.0.1') })
  assert.equal((await others.ask({ 'x-client': 'till' })).statusCode, 401)
  assert.equal((await others.ask({ 'x-client': 'till', 'x-forwarded-for': '10.0.0.1' })).statusCode, 401)
})

test('what comes twice is nobody’s: neither a token, nor what a proxy says', async (t) => {
  const identity: AccessDeps['identity'] = {
    header: 'x-client',
    isFrom: () => true,
    principal: () => principal('users:read'),
  }
  const { ask, asked } = await app(t, { config: READ, identity, known: { 'Bearer a': principal('users:read') } })
  assert.equal((await ask({ authorization: 'Bearer a' })).statusCode, 200)
  assert.equal((await ask({ 'x-client': 'a' })).statusCode, 200)
  asked.length = 0
  const answer = await ask({ authorization: ['Bearer a', 'Bearer b'] })
  assert.deepEqual([answer.statusCode, answer.json().code], [401, 'token-invalid'])
  assert.equal((await ask({ 'x-client': ['a', 'b'] })).statusCode, 401)
  assert.deepEqual(asked, [])
})

test('what is personal is set by nobody who may not see it, whether or not it would change anything', async (t) => {
  const known = { 'Bearer a': principal('users:write'), 'Bearer b': principal('users:write', 'users:pii') }
  const config: FastifyContextConfig = {
    scope: 'users:write',
    personal: (body: { email?: string }) => (body.email === undefined ? [] : ['/email']),
  }
  const { ask } = await app(t, { known, config, method: 'PATCH' })
  const refused = await ask(WITH('a'), { email: 'a@example.com' })
  assert.equal(refused.statusCode, 403)
  assert.deepEqual(refused.json().errors, [
    { in: 'body', pointer: '/email', detail: 'This needs the scope users:pii.' },
  ])
  assert.equal((await ask(WITH('a'), { jobTitle: 'x' })).statusCode, 200)
  assert.equal((await ask(WITH('b'), { email: 'a@example.com' })).statusCode, 200)
})
