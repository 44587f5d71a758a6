import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Scope } from '../../src/domain/principal.ts'
import { legacyRoutes } from '../../src/legacy/index.ts'
import { lastFirst, type Owner } from '../contract/rig.ts'
import { NO_TOKEN } from '../support/authorised.ts'
import type { TestService } from '../support/service.ts'
import { bearer, developmentToken } from '../support/tokens.ts'
import { addUsers, legacyUser, startFront, startLegacy, wellBehaved } from './rig.ts'

const SETTINGS = [{ mode: 'native' }, { mode: 'canary', percent: 100 }] as const
const TITLE = { title: 'Clerk' }

/** A legacy application that notes by which header each request said who asks, and what it sent. */
async function startNoting(t: Owner) {
  const noted: { authorization: string | undefined; body: string }[] = []
  const legacy = await startLegacy(t, async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    noted.push({ authorization: request.headers.authorization, body })
    wellBehaved(request, response)
  })
  return { ...legacy, noted }
}

/** Headers by which nobody is told who may use an endpoint that needs `scopes`, and why we would refuse them. */
async function strangers({ config, token }: TestService, ...scopes: Scope[]) {
  const shown = async (claims: Parameters<typeof developmentToken>[1]) => bearer(await developmentToken(config, claims))
  const without = scopes.map(async (left) => {
    const authorization = await shown({ scopes: scopes.filter((scope) => scope !== left) })
    return { who: `without ${left}`, authorization, status: 403, code: 'missing-scope' }
  })
  return [
    { who: 'nobody', authorization: NO_TOKEN, status: 401, code: 'token-missing' },
    { who: 'somebody of its own', authorization: 'Basic c2hvcDpzZWNyZXQ=', status: 401, code: 'token-invalid' },
    { who: 'forged', authorization: `${bearer(token).slice(0, -8)}AAAAAAAA`, status: 401, code: 'token-invalid' },
    { who: 'expired', authorization: await shown({ expiresInS: -600 }), status: 401, code: 'token-invalid' },
    ...(await Promise.all(without)),
  ]
}

test('who shows no token of ours that allows it is answered by the legacy application, in every mode', async (context) => {
  const t = lastFirst(context)
  const legacy = await startNoting(t)
  const { service, ask, set } = await startFront(t, legacy.url)
  await addUsers(service, 1)
  for (const setting of SETTINGS) {
    await set('get-user', setting)
    for (const { who, authorization } of await strangers(service, 'users:read', 'users:pii')) {
      const answer = await ask('/users/1/', { headers: { authorization } })
      const about = `${who}, ${setting.mode}`
      assert.deepEqual([answer.status, answer.by, answer.json()], [200, 'legacy', legacyUser(1)], about)
      assert.equal(answer.headers.get('www-authenticate'), null, about)
      const itsOwn = authorization.startsWith('Basic ') ? authorization : undefined
      assert.equal(legacy.noted.at(-1)?.authorization, itsOwn, `${about}: it sees what is not for us`)
    }
    const passedOn = legacy.noted.length
    assert.equal((await ask('/users/1/')).by, 'native')
    // A canary asks the other side as well, to compare.
    if (setting.mode === 'native') assert.equal(legacy.noted.length, passedOn)
  }
})

test('of a native write by a stranger nothing is done here: it is the legacy application’s, whole', async (context) => {
  const t = lastFirst(context)
  const legacy = await startNoting(t)
  const { service, ask, send, set } = await startFront(t, legacy.url)
  await addUsers(service, 1)
  const state = () =>
    Promise.all([
      service.query('SELECT job_title, updated_at FROM users'),
      service.query("SELECT * FROM user_audit WHERE entity = 'user'"),
      service.query('SELECT * FROM entity_versions'),
    ])
  const before = await state()
  const body = JSON.stringify(TITLE)
  for (const setting of SETTINGS) {
    await set('change-user', setting)
    for (const { who, authorization } of await strangers(service, 'users:read', 'users:write', 'users:pii')) {
      const headers = { authorization, 'content-type': 'application/json' }
      const answer = await ask('/users/1/', { method: 'PATCH', headers, body })
      assert.deepEqual([answer.status, answer.by, answer.json()], [200, 'legacy', { legacy: 'PATCH /users/1/' }], who)
      assert.equal(legacy.noted.at(-1)?.body, body, who)
    }
  }
  assert.deepEqual(await state(), before)
  const passedOn = legacy.noted.length
  assert.equal((await send('PATCH', '/users/1/', TITLE)).by, 'native')
  const [users, audited] = await state()
  assert.deepEqual([users[0]?.job_title, audited.length], ['Clerk', 1])
  assert.equal(legacy.noted.length, passedOn)
})

test('without a legacy application strangers are refused, and told why', async (context) => {
  const t = lastFirst(context)
  const { service, ask, set } = await startFront(t, null)
  await addUsers(service, 1)
  await set('get-user', { mode: 'native' })
  for (const { who, authorization, status, code } of await strangers(service, 'users:read', 'users:pii')) {
    const answer = await ask('/users/1/', { headers: { authorization } })
    assert.deepEqual([answer.status, answer.by, answer.json().code], [status, null, code], who)
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer realm="users-service"/, who)
  }
  assert.equal((await ask('/users/1/')).by, 'native')
})

test('who shows a token and has no requests left is refused: more of them are not the legacy application’s', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const { service, ask, set } = await startFront(t, legacy.url, { environment: { RATE_LIMIT_READS: '2' } })
  await addUsers(service, 1)
  await set('get-user', { mode: 'native' })
  const authorization = bearer(await developmentToken(service.config, { subject: 'till' }))
  const asked = () => ask('/users/1/', { headers: { authorization } })
  for (const by of ['native', 'native']) assert.equal((await asked()).by, by)
  const refused = await asked()
  assert.deepEqual([refused.status, refused.by, refused.json().code], [429, null, 'too-many-requests'])
  assert.match(refused.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  assert.deepEqual(legacy.asked, [])
})

test('strangers at our own paths are refused here: nothing beneath them is passed on', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const { service, ask } = await startFront(t, legacy.url, { worker: false })
  const paths = ['/v1/users/1', '/v1/users?limit=1', '/v1/roles', '/%761/users/1']
  for (const { who, authorization, status, code } of await strangers(service, 'users:read')) {
    for (const path of paths) {
      const answer = await ask(path, { headers: { authorization } })
      assert.deepEqual([answer.status, answer.by, answer.json().code], [status, null, code], `${who} ${path}`)
    }
    const { status: none } = await ask('/v1/none', { headers: { authorization } })
    assert.equal(none, 404, who)
  }
  assert.equal((await ask('/v1/strangler/routes', { headers: { authorization: NO_TOKEN } })).status, 401)
  assert.deepEqual(legacy.asked, [])
})

test('no adapter answers whoever may not read users: each shows somebody', () => {
  // None of them is asked anything.
  const routes = legacyRoutes({} as never)
  assert.ok(routes.length >= 5)
  for (const { id, scopes } of routes) assert.ok(scopes.includes('users:read'), id)
})
