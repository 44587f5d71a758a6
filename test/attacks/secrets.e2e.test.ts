import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { ConfigError, readConfig } from '../../src/config.ts'
import { lastFirst, type Owner } from '../contract/rig.ts'
import { startProcess } from '../kafka/rig.ts'
import { exchange } from '../support/raw-http.ts'
import { startTestRedis } from '../support/redis.ts'
import { startService, until } from '../support/service.ts'
import { bearer, developmentToken } from '../support/tokens.ts'

const LIMIT_MS = 120_000
/** One word in whatever nobody may find anywhere but where it belongs; in capitals, as no name of ours is. */
const MARK = /SECRETMARK/i
const REDIS_PASSWORD = 'SecretMarkRedis'
const KEY = 'SecretMarkKey'
const PERSON = {
  // A refusal may name it: to whoever has just sent it. A log may not.
  username: 'name.of.log.in',
  givenName: 'SecretMarkGiven',
  familyName: 'SecretMarkFamily',
  email: 'secretmark@example.com',
  phone: '+48 22 777 31 31',
  employeeNumber: 'E-SecretMark',
}
const PERSONAL = /secretmark|777 31 31/i
const USERNAME = /name\.of/

/** A token's parts, the signature by itself above all: whoever has it has the caller's rights. */
const partsOf = (token: string): string[] => [token, ...token.split('.').slice(1)]

test('with everything logged and everything going wrong, no secret stands in logs, refusals or metrics', {
  timeout: LIMIT_MS,
}, async (context) => {
  const t = lastFirst(context)
  const redis = await startTestRedis()
  t.after(redis.stop)
  const admin = new Redis(redis.url, { protocol: 2 })
  t.after(() => admin.disconnect())
  await admin.call('ACL', 'SETUSER', 'service', 'on', `>${REDIS_PASSWORD}`, '~*', '&*', '+@all')
  const url = redis.url.replace('redis://', `redis://service:${REDIS_PASSWORD}@`)
  const service = await startService({ worker: false, redis: { ...redis, url } })
  t.after(service.close)
  const environment = {
    ...service.environment,
    ...{ PORT: '0', METRICS_PORT: '0', LOG_LEVEL: 'trace', LOG_FORMAT: 'json', RATE_LIMIT_REFUSALS: '12' },
  }
  const replica = startProcess(t, ['serve'], environment)
  const worker = startProcess(t, ['work', 'project'], environment)
  await replica.says('"serving"')
  await worker.says('"working"')
  const addressOf = (msg: string): string => {
    const line = replica.said.out.split('\n').find((one) => one.includes(`"${msg}"`)) ?? '{}'
    return JSON.parse(line).address
  }
  const [address, metrics] = [addressOf('serving'), addressOf('serving metrics')]

  const tokens = {
    all: service.token,
    reader: await developmentToken(service.config, { scopes: ['users:read'], subject: 'reader' }),
    expired: await developmentToken(service.config, { expiresInS: -100 }),
    tampered: `${service.token.slice(0, -6)}AAAAAA`,
    nonsense: 'SecretMarkToken',
  }
  const refusals: string[] = []
  type Ask = { token?: keyof typeof tokens; method?: string; body?: unknown; raw?: string; headers?: object }
  const ask = async (path: string, { token = 'all', method = 'GET', body, raw, headers }: Ask = {}) => {
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const typed = payload === undefined ? {} : { 'content-type': 'application/json' }
    const init = { method, headers: { authorization: bearer(tokens[token]), ...typed, ...headers } }
    const answer = await fetch(address + path, payload === undefined ? init : { ...init, body: payload })
    const text = await answer.text()
    if (answer.status >= 400) refusals.push(`${JSON.stringify([...answer.headers])} ${text}`)
    return { status: answer.status, text }
  }
  const post = (body: unknown, headers = {}) => ask('/v1/users', { method: 'POST', body, headers })

  // What goes well, with all that may be told to whom it belongs.
  const registered = await post(PERSON, { 'idempotency-key': KEY })
  assert.equal(registered.status, 201, registered.text)
  const path = `/v1/users/${JSON.parse(registered.text).userId}`
  assert.match((await ask(path)).text, PERSONAL)
  // And every way of being refused.
  await post({ ...PERSON, givenName: 'Other' }, { 'idempotency-key': KEY })
  await post(PERSON, { 'idempotency-key': `${KEY}Other` })
  await post(PERSON, { 'idempotency-key': `${KEY} "` })
  await post({ ...PERSON, email: 'SecretMark at home', unknownField: 1, __proto__: 1 })
  await ask(path, { method: 'PATCH', raw: '{"email":"SecretMark' })
  await ask(path, { method: 'PATCH', raw: `{"email":${'['.repeat(50)}"SecretMark"` })
  await ask(path, {
    method: 'PATCH',
    body: { email: 'secretmark@example.com' },
    headers: { 'if-match': '"SecretMark"' },
  })
  await ask(`${path}?name=SecretMark`)
  await ask('/v1/users/by-username/SecretMark%zz')
  await ask(`/v1/users/by-username/${'SecretMark'.repeat(150)}`)
  await ask(`/v1/users?q=${'SecretMark'.repeat(900)}`)
  await ask('/v1/users?cursor=SecretMarkCursor')
  await ask('/SecretMark/nowhere')
  await ask(`${path}/SecretMark`, { method: 'DELETE' })
  await ask(path, {
    headers: { 'min-version': 'SecretMark', 'x-request-id': 'SecretMark secret', 'x-large': 'SecretMark'.repeat(900) },
  })
  await ask(`${path}/terminate`, { method: 'POST', body: {}, token: 'reader' })
  for (const token of ['expired', 'tampered', 'nonsense'] as const) await ask(path, { token })
  for (let i = 0; i < 15; i += 1) await ask(path, { token: 'nonsense' })
  const port = Number(new URL(address).port)
  const lines = 'a: SecretMark\r\n'.repeat(150)
  for (const bytes of [
    'SecretMark\r\n\r\n',
    `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SecretMark\r\n${lines}\r\n`,
    `GET ${path} HTTP/1.1\r\nHost: x\r\nExpect: SecretMark\r\n\r\n`,
    `SECRETMARK ${path} HTTP/1.1\r\nHost: x\r\n\r\n`,
  ])
    refusals.push(await exchange(port, bytes))
  // What breaks beneath: a table, then Redis, then whom it lets in.
  await service.database.rename('user_audit', 'user_audit_away')
  assert.equal((await post({ ...PERSON, username: 'name.of.second' })).status, 500)
  await service.database.rename('user_audit_away', 'user_audit')
  await admin.call('ACL', 'SETUSER', 'service', 'resetpass', '>another')
  await admin.call('CLIENT', 'KILL', 'USER', 'service')
  await replica.says(/WRONGPASS|Redis is out of reach/)
  await ask('/v1/users?q=SecretMark')
  await ask(path, { method: 'PATCH', body: { givenName: 'SecretMarkAnother' } })
  assert.ok(refusals.length > 35, String(refusals.length))

  const text = await (await fetch(`${metrics.replace(/\/metrics$/, '')}/metrics`)).text()
  assert.match(text, /users_requests_refused_total/)
  const key = JSON.parse(await readFile(join(service.config.dataDir, 'development-key.json'), 'utf8').catch(() => '{}'))
  replica.kill('SIGTERM')
  worker.kill('SIGTERM')
  await Promise.all([replica.ended(), worker.ended()])
  const said = Object.entries({
    ...{ replica: replica.said.out + replica.said.err, worker: worker.said.out + worker.said.err },
    ...{ metrics: text, refusals: refusals.join('\n') },
  })
  for (const [where, all] of said) {
    assert.ok(all.length > 100, where)
    const lines = all.split('\n')
    assert.deepEqual(
      lines
        .filter((line) => PERSONAL.test(line) || (where !== 'refusals' && USERNAME.test(line)))
        .map((line) => line.slice(0, 600)),
      [],
      where,
    )
    for (const [name, token] of Object.entries(tokens)) {
      for (const part of partsOf(token)) if (part) assert.ok(!all.includes(part), `${name} in ${where}`)
    }
    if (typeof key.d === 'string') assert.ok(!all.includes(key.d), `the development key in ${where}`)
  }
})

/** What is set wrong in all ways, with a secret in each. */
const WRONG: Record<string, string>[] = [
  { REDIS_URL: 'redos://service:SecretMark@localhost' },
  { JOBS_REDIS_URL: 'redis//:SecretMark@localhost' },
  { DATABASE_URL: 'ibmdb://trs:SecretMark@/people' },
  { DATABASE_URL: 'informix://trs:SecretMark@db/people' },
  { KAFKA_BROKERS: 'broker:9092', KAFKA_SASL: 'plain', KAFKA_USERNAME: 'SecretMarkUser', KAFKA_PASSWORD: 'SecretMark' },
  { LEGACY_URL: 'http://trs:SecretMark@old/' },
  { BRANCHES_URL: 'http://trs:SecretMark@b/' },
  { AUTH_JWKS_URL: 'https://trs:SecretMark@issuer/' },
  { DATABASE_URL: 'ibmdb://trs:SecretMark@db/people', PORT: 'x' },
]

test('a setting that is refused is named, and its value is not; the list of settings shows none of those that are set', async (context) => {
  const t = lastFirst(context)
  for (const wrong of WRONG) {
    assert.throws(
      () => readConfig(wrong),
      (error: Error) =>
        error instanceof ConfigError &&
        /^(Wrong settings\. )?[A-Z_]+: /.test(error.message) &&
        !MARK.test(error.message),
      JSON.stringify(wrong),
    )
  }
  const right = {
    ...{ REDIS_URL: 'redis://u:SecretMark@h', JOBS_REDIS_URL: 'redis://u:SecretMark@h' },
    ...{ DATABASE_URL: 'ibmdb://trs:SecretMark@db/people' },
  }
  const printed = await startProcess(t, ['config'], right).ended()
  assert.deepEqual([printed.code, printed.err], [0, ''])
  assert.match(printed.out, /REDIS_URL=\n/)
  assert.doesNotMatch(printed.out, MARK)
  const refused = await startProcess(t, ['config'], { ...right, PORT: 'SecretMark' }).ended()
  assert.equal(refused.code, 1)
  assert.match(refused.err, /^Wrong settings\. PORT: /)
  assert.doesNotMatch(refused.out + refused.err, MARK)
})

/** A database and a Redis that are not there, or do not know us. */
async function failedStart(t: Owner, environment: Record<string, string>): Promise<string> {
  const started = startProcess(t, ['serve'], { PORT: '0', LOG_LEVEL: 'trace', ...environment })
  await until(
    'it has said something',
    async () => started.isOver() || started.said.out.includes('"level":40'),
    LIMIT_MS,
  )
  started.kill('SIGKILL')
  await started.ended()
  return started.said.out + started.said.err
}

test('who cannot be reached, or does not let us in, is told of without the password', {
  timeout: LIMIT_MS,
}, async (context) => {
  const t = lastFirst(context)
  const redis = await startTestRedis()
  t.after(redis.stop)
  const service = await startService({ worker: false })
  t.after(service.close)
  const file = join(service.config.dataDir, 'password')
  await writeFile(file, 'SecretMarkFile\n')
  const gone = 'redis://u:SecretMark@127.0.0.1:1'
  const unknown = redis.url.replace('redis://', 'redis://nobody:SecretMark@')
  for (const [what, environment] of Object.entries({
    gone: { ...service.environment, REDIS_URL: gone },
    unknown: { ...service.environment, REDIS_URL: unknown },
    database: { REDIS_URL: redis.url, DATABASE_URL: 'ibmdb://trs@127.0.0.1:1/people', DATABASE_PASSWORD_FILE: file },
  })) {
    const said = await failedStart(t, environment)
    assert.ok(said.length > 20, what)
    assert.doesNotMatch(said, MARK, what)
  }
})
