import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../../src/app.ts'
import { DomainError } from '../../src/domain/errors.ts'
import { type Api as Wired, wireApi } from '../../src/wiring.ts'
import { asking } from '../support/authorised.ts'
import { quiet, startService, type TestService } from '../support/service.ts'
import { bearer, developmentToken, type TokenClaims } from '../support/tokens.ts'
import { type Answer, type Api, type Ask, apiClient } from './client.ts'
import { written } from './written.ts'

/** Two processes’ worth of API over one database and one Redis. */
let service: TestService
let second: Wired
let here: Api
let there: Api
const apps: FastifyInstance[] = []
before(async () => {
  // Whoever is late on a machine with much else to do is not what is tested here.
  const patient = { OVERLOAD_SEARCHES_DELAY_MS: '0', OVERLOAD_DELAY_MS: '0', REDIS_COMMAND_TIMEOUT_MS: '30000' }
  const environment = { ...patient, IDEMPOTENCY_KEY_TTL_HOURS: '1' }
  service = await startService({ worker: false, environment })
  second = await wireApi(service.config, quiet)
  here = await apiClient(service.app)
  there = await replica({})
})
after(async () => {
  for (const app of apps) await app.close()
  await second?.close()
  await service?.close()
})

async function replica(commands: Partial<Wired['commands']>): Promise<Api> {
  const served = { ...second, commands: { ...second.commands, ...commands } }
  const app = await buildApp({ ...served, http: service.config.http, log: quiet })
  apps.push(app)
  return apiClient(asking(app, service.token))
}

let made = 0
const fresh = (prefix: string) => {
  made += 1
  return `${prefix}-${made}`
}
const register = (more: object = {}): Ask => ({
  method: 'POST',
  url: '/v1/users',
  body: { username: fresh('user'), givenName: 'Ann', familyName: 'Lee', homeBranchId: 'B001', ...more },
})
const user = async () => `/v1/users/${(await here.ask(register())).json().userId}`
async function suspended(): Promise<string> {
  const path = await user()
  assert.equal((await here.post(`${path}/suspend`)).statusCode, 200)
  return path
}

/** Each POST of the document, asked so that something happens. */
const POSTS: Record<string, () => Promise<Ask>> = {
  registerUser: async () => register(),
  suspendUser: async () => ({ method: 'POST', url: `${await user()}/suspend` }),
  reinstateUser: async () => ({ method: 'POST', url: `${await suspended()}/reinstate` }),
  terminateUser: async () => ({ method: 'POST', url: `${await user()}/terminate` }),
}
const withKey = (asked: Ask, key: string, headers: Record<string, string> = {}): Ask => ({
  ...asked,
  headers: { ...asked.headers, 'idempotency-key': key, ...headers },
})
const tokenOf = async (claims: TokenClaims) => ({
  authorization: bearer(await developmentToken(service.config, claims)),
})

/** Of an answer, all but what says something of the moment. */
const OF_THE_MOMENT = /^(x-request-id|date|connection|keep-alive|visibility|ratelimit.*)$/
function kept({ statusCode, headers, rawPayload }: Answer) {
  const lasting = Object.entries(headers).filter(([name]) => !OF_THE_MOMENT.test(name))
  return { statusCode, headers: Object.fromEntries(lasting), body: rawPayload.toString('latin1') }
}

async function changingNothing(work: () => Promise<void>): Promise<void> {
  const before = await written(service)
  await work()
  assert.deepEqual(await written(service), before)
}
const HOUR_MS = 3_600_000
/** As if all keys had been used so long ago. */
async function usedAgo(ms: number): Promise<void> {
  const at = new Date(Date.now() - ms).toISOString().replace('T', ' ').slice(0, -1)
  await service.sql(`UPDATE command_keys SET created_at = ? WHERE command_key NOT LIKE 'tx:%'`, at)
}
async function auditEntries(): Promise<number> {
  return Number((await service.query('SELECT COUNT(*) AS n FROM user_audit'))[0]?.n)
}

test('every POST takes the header, and says what becomes of a key; nothing else does', () => {
  const posts: string[] = []
  for (const methods of Object.values(here.document.paths)) {
    for (const [method, { operationId, parameters = [], responses }] of Object.entries(methods)) {
      const header = parameters.find(({ name }) => name.toLowerCase() === 'idempotency-key')
      assert.equal(header?.in, method === 'post' ? 'header' : undefined, `${method} ${operationId}`)
      if (method !== 'post') continue
      posts.push(operationId)
      for (const status of ['409', '422']) assert.ok(status in responses, `${operationId} ${status}`)
    }
  }
  assert.deepEqual(posts.sort(), Object.keys(POSTS).sort(), 'each is tried below')
})

for (const [operation, ask] of Object.entries(POSTS)) {
  test(`${operation}: a repeat, here or at another replica, is answered as the first was, and writes nothing`, async () => {
    const asked = withKey(await ask(), fresh('key'))
    const first = await here.ask(asked)
    assert.ok(first.statusCode === 200 || first.statusCode === 201, first.body)
    await changingNothing(async () => {
      for (const side of [here, there, here]) {
        const again = await side.ask(asked)
        assert.deepEqual(kept(again), kept(first))
        assert.notEqual(again.headers['x-request-id'], first.headers['x-request-id'])
        assert.equal(again.headers.visibility, undefined)
      }
    })
  })

  test(`${operation}: many at once, at both replicas, are one command and one answer`, async () => {
    const asked = withKey(await ask(), fresh('key'))
    const before = await auditEntries()
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? here : there).ask(asked)))
    assert.equal((await auditEntries()) - before, 1)
    // Some may have waited in vain, where the database lets them.
    const done = answers.filter((answer) => answer.statusCode < 300)
    const [first] = done
    assert.ok(first, 'somebody is answered')
    for (const answer of answers) {
      if (done.includes(answer)) assert.deepEqual(kept(answer), kept(first))
      else assert.equal(answer.json().code, 'idempotency-key-in-use')
    }
  })

  test(`${operation}: the same key with something else is 422, and nothing is written`, async () => {
    const key = fresh('key')
    await here.ask(withKey(await ask(), key))
    const others: Ask[] = [await ask(), register(), { method: 'POST', url: `${await user()}/suspend` }]
    for (const other of others) {
      await changingNothing(async () => {
        const refused = await there.ask(withKey(other, key))
        assert.deepEqual([refused.statusCode, refused.json().code], [422, 'idempotency-key-reused'])
      })
    }
  })

  test(`${operation}: what another caller does with the same key is another matter`, async () => {
    const key = fresh('key')
    const first = await here.ask(withKey(await ask(), key))
    const others = [{ subject: 'another' }, { client: 'a-till' }, { client: 'another-till' }]
    for (const claims of others) {
      const theirs = await here.ask(withKey(await ask(), key, await tokenOf(claims)))
      assert.equal(theirs.statusCode, first.statusCode, theirs.body)
      assert.notEqual(theirs.body, first.body)
    }
  })
}

test('when a key’s time is over, by the database’s clock, a repeat is carried out anew', async () => {
  const path = await user()
  const asked = withKey({ method: 'POST', url: `${path}/suspend` }, fresh('key'))
  const first = await here.ask(asked)
  await here.post(`${path}/reinstate`)
  await usedAgo(HOUR_MS / 2)
  assert.deepEqual(kept(await here.ask(asked)), kept(first))
  await usedAgo(HOUR_MS * 2)
  const anew = await here.ask(asked)
  assert.ok(anew.json().version > first.json().version)
})

test('an answer that another release would give with another tag is the one that was given', async () => {
  const asked = withKey(register(), fresh('key'))
  const first = await here.ask(asked)
  const { tagBase } = second.commands
  const newer = await replica({ tagBase: { ...tagBase, schema: tagBase.schema + 1 } })
  const otherwise = await newer.ask(register())
  assert.match(String(otherwise.headers.etag), new RegExp(`\\.${tagBase.schema + 1}\\.`))
  assert.deepEqual(kept(await newer.ask(asked)), kept(first))
})

test('nobody gets the answer of another caller, though key and request are the same', async () => {
  const asked = withKey(register(), fresh('key'))
  const first = await here.ask(asked)
  assert.equal(first.statusCode, 201)
  for (const claims of [{ subject: 'another' }, { client: 'a-till' }]) {
    const theirs = await there.ask({ ...asked, headers: { ...asked.headers, ...(await tokenOf(claims)) } })
    assert.deepEqual([theirs.statusCode, theirs.json().code], [409, 'username-taken'])
  }
  assert.deepEqual(kept(await there.ask(asked)), kept(first))
})

test('who may see less gets the first answer all the same, tag included', async () => {
  const asked = withKey({ method: 'POST', url: `${await user()}/suspend` }, fresh('key'))
  const first = await here.ask(asked)
  const less = await tokenOf({ scopes: ['users:read', 'users:write'] })
  assert.deepEqual(kept(await here.ask({ ...asked, headers: { ...asked.headers, ...less } })), kept(first))
})

test('who has other branches by now is told again what they were told, and registers nobody elsewhere', async () => {
  const [then, now] = [await tokenOf({ branches: ['B001'] }), await tokenOf({ branches: ['B002'] })]
  const registering = withKey(register(), fresh('key'))
  const registered = await here.ask({ ...registering, headers: { ...registering.headers, ...then } })
  assert.equal(registered.statusCode, 201)
  const suspending = withKey({ method: 'POST', url: `/v1/users/${registered.json().userId}/suspend` }, fresh('key'))
  const first = await here.ask({ ...suspending, headers: { ...suspending.headers, ...then } })
  await changingNothing(async () => {
    assert.deepEqual(kept(await here.ask({ ...suspending, headers: { ...suspending.headers, ...now } })), kept(first))
    const again = await service.app.inject({
      ...{ method: 'POST', url: '/v1/users', payload: registering.body as object },
      headers: { ...registering.headers, ...now },
    })
    assert.equal(again.json().code, 'not-your-branch')
  })
})

test('a key is still nothing without the right to the command', async () => {
  const asked = withKey({ method: 'POST', url: `${await user()}/suspend` }, fresh('key'))
  await here.ask(asked)
  const reader = await tokenOf({ scopes: ['users:read'] })
  assert.equal((await here.ask({ ...asked, headers: { ...asked.headers, ...reader } })).statusCode, 403)
})

test('in quotes, as the draft has it, a key is the same one', async () => {
  const key = fresh('key')
  const asked = register()
  const first = await here.ask(withKey(asked, `"${key}"`))
  assert.equal(first.statusCode, 201)
  assert.deepEqual(kept(await here.ask(withKey(asked, key))), kept(first))
  for (const malformed of [`"${key}`, `"${key}";a=1`, '""', `"${key} "`]) {
    const refused = await here.ask(withKey(asked, malformed))
    assert.equal(refused.statusCode, 400, malformed)
    assert.equal(refused.json().errors[0].pointer, '/idempotency-key')
  }
})

test('two of the header are none', async () => {
  const asked = register()
  const refused = await here.ask({ ...asked, headers: { 'idempotency-key': ['a', 'b'] } })
  assert.equal(refused.statusCode, 400)
})

test('the order of fields makes no other request, and If-Match is not asked about again', async () => {
  const key = fresh('key')
  const { body } = register()
  const first = await here.ask(withKey({ ...register(), body }, key))
  const reversed = Object.fromEntries(Object.entries(body as object).reverse())
  assert.deepEqual(kept(await here.ask(withKey({ ...register(), body: reversed }, key))), kept(first))

  const path = await user()
  const tag = String((await here.get(path)).headers.etag)
  const asked = withKey({ method: 'POST', url: `${path}/terminate`, headers: { 'if-match': tag } }, fresh('key'))
  const terminated = await here.ask(asked)
  assert.equal(terminated.statusCode, 200, terminated.body)
  assert.deepEqual(kept(await there.ask(asked)), kept(terminated))
})

test('what was refused leaves no key: a repeat is carried out', async () => {
  const path = await user()
  const url = `${path}/suspend`
  const key = fresh('key')
  await changingNothing(async () => {
    const outdated = await here.ask(withKey({ method: 'POST', url, headers: { 'if-match': '"x"' } }, key))
    assert.equal(outdated.statusCode, 412)
    const nobody = await here.ask(withKey({ method: 'POST', url: '/v1/users/999999/suspend' }, key))
    assert.equal(nobody.statusCode, 404)
    const headers = { 'idempotency-key': key, ...(await tokenOf({ branches: ['B9'] })) }
    const notTheirs = await service.app.inject({ method: 'POST', url, headers })
    assert.equal(notTheirs.json().code, 'not-your-branch')
  })
  const username = fresh('occupied')
  await here.ask(register({ username }))
  assert.equal((await here.ask(withKey(register({ username }), key))).statusCode, 409)
  const done = await here.ask(withKey({ method: 'POST', url }, key))
  assert.equal(done.statusCode, 200, done.body)
})

test('a key in use is 409, with Retry-After', async () => {
  // The embedded database lets whoever comes second wait; test/contract/command-keys.ts shows one that gives up.
  const inUse = async () => {
    throw new DomainError('idempotency-key-in-use', 'A request with this Idempotency-Key is still being carried out.')
  }
  const busy = await replica({ users: { ...second.commands.users, update: inUse, register: inUse } })
  for (const ask of Object.values(POSTS)) {
    const refused = await busy.ask(withKey(await ask(), fresh('key')))
    assert.deepEqual([refused.statusCode, refused.json().code], [409, 'idempotency-key-in-use'])
    assert.match(String(refused.headers['retry-after']), /^[1-9]\d*$/)
  }
})

test('nothing of caller, key or person stands in the table', async () => {
  const key = fresh('secret-key')
  const { userId } = (await here.ask(withKey(register({ email: 'ann.secret@example.com' }), key))).json()
  const rows = await service.query(`SELECT * FROM command_keys WHERE answer LIKE ?`, `%"userId":${userId},%`)
  assert.equal(rows.length, 1)
  assert.doesNotMatch(JSON.stringify(rows), /secret|tester|Ann/)
})
