import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastFirst } from '../contract/rig.ts'
import { NO_TOKEN } from '../support/authorised.ts'
import { type Answering, makeKey, startIssuer } from '../support/issuer.ts'
import { startService, until } from '../support/service.ts'
import { bearer, developmentToken } from '../support/tokens.ts'

/** A service that takes the tokens of an issuer, behind a proxy that is not there. */
async function stage(context: Parameters<typeof lastFirst>[0], { answering }: { answering?: Answering } = {}) {
  const t = lastFirst(context)
  const issuer = await startIssuer()
  t.after(issuer.close)
  if (answering) issuer.answer(answering)
  const proxy = { AUTH_IDENTITY_HEADER: 'X-Client-DN', AUTH_IDENTITY_PROXIES: '127.0.0.9' }
  const token = issuer.token({ scope: 'users:read' })
  const service = await startService({ worker: false, token, environment: { ...issuer.environment, ...proxy } })
  t.after(service.close)
  const ask = (authorization: string, more = {}) =>
    service.app.inject({ url: '/v1/roles', headers: { authorization, ...more } })
  return { issuer, service, ask, token }
}

test('tokens of the issuer are taken, and no others; a challenge says why', async (t) => {
  const { issuer, ask, token, service } = await stage(t)
  assert.equal((await ask(bearer(token))).statusCode, 200)
  const own = await developmentToken(service.config)
  const stranger = issuer.token({}, { key: makeKey('ES256', { kid: issuer.key.kid }) })
  const sentence = 'This token is not signed with a key of the issuer.'
  for (const forged of [own, stranger]) {
    const { statusCode, headers } = await ask(bearer(forged))
    const challenge = `Bearer realm="users-service", error="invalid_token", error_description="${sentence}"`
    assert.deepEqual([statusCode, headers['www-authenticate']], [401, challenge])
  }
  const { statusCode, headers } = await ask(bearer(issuer.token({ scope: 'operate' })))
  assert.equal(statusCode, 403)
  assert.match(String(headers['www-authenticate']), /error="insufficient_scope", scope="users:read"/)
})

test('the hot read takes them as the router does, and refuses them as it does', async (t) => {
  const { issuer, token, service } = await stage(t)
  const address = await service.app.listen({ host: '127.0.0.1', port: 0 })
  const registered = await service.app.inject({
    ...{ method: 'POST', url: '/v1/users', payload: { username: 'zofia', givenName: 'Zofia', familyName: 'Nowak' } },
    headers: { authorization: bearer(issuer.token({ scope: 'users:write' })) },
  })
  const { userId } = registered.json()
  const status = async (...headers: [string, string][]) =>
    (await fetch(`${address}/v1/users/${userId}`, { headers })).status
  const authorization = (value: string): [string, string] => ['authorization', value]
  for (let i = 0; i < 3; i += 1) assert.equal(await status(authorization(bearer(token))), 200)
  assert.equal(await status(authorization(bearer(`${token.slice(0, -5)}AAAAA`))), 401)
  assert.equal(await status(authorization(bearer(issuer.token({ scope: 'operate' })))), 403)
  // fetch joins them: one header with two tokens.
  assert.equal(await status(authorization(bearer(token)), authorization(bearer(token))), 401)
  assert.equal(await status(), 401)
  const health = await service.app.inject('/health/ready')
  assert.deepEqual(health.json().checks.issuer, { state: 'ok' })
})

test('what a proxy says of its callers is taken from nobody else', async (t) => {
  const { ask, service } = await stage(t)
  const said = { 'x-client-dn': 'CN=till-7' }
  const through = (remoteAddress: string, more = {}) =>
    service.app.inject({ url: '/v1/roles', remoteAddress, headers: { authorization: NO_TOKEN, ...said, ...more } })
  assert.equal((await through('127.0.0.9')).statusCode, 200)
  assert.equal((await through('::ffff:127.0.0.9')).statusCode, 200)
  for (const address of ['127.0.0.1', '10.0.0.1', '::1']) assert.equal((await through(address)).statusCode, 401)
  assert.equal((await through('127.0.0.1', { 'x-forwarded-for': '127.0.0.9' })).statusCode, 401)
  assert.equal((await through('127.0.0.9', { 'x-client-dn': ['CN=a', 'CN=b'] })).statusCode, 401)
  assert.equal((await ask('Bearer x', said)).statusCode, 401)
})

test('while an issuer has not shown its keys nothing is served, and health says so; then it is', async (t) => {
  const { issuer, ask, token, service } = await stage(t, { answering: { kind: 'closed' } })
  const refused = await ask(bearer(token))
  assert.deepEqual([refused.statusCode, refused.json().code], [503, 'issuer-unavailable'])
  assert.ok(refused.headers['retry-after'])
  const health = await service.app.inject('/health/ready')
  assert.deepEqual([health.statusCode, health.json().checks.issuer.state], [503, 'failing'])
  issuer.answer('keys')
  await until('its keys are fetched', async () => (await ask(bearer(token))).statusCode === 200)
  assert.equal((await service.app.inject('/health/ready')).json().checks.issuer.state, 'ok')
})
