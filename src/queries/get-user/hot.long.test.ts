import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { after, before, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { quiet, startService, type TestService, until } from '../../../test/support/service.ts'
import { bearer, developmentToken } from '../../../test/support/tokens.ts'
import { buildApp } from '../../app.ts'
import { readHead } from '../../wire/source.ts'
import { wireApi } from '../../wiring.ts'

const SEED = 20_260_217
const AGE = '7'

let service: TestService
/** The same reads, answered before the router, and by it alone; with the near cache, and without. */
let near: Pair
let redis: Pair
type Pair = Record<'hot' | 'cold', FastifyInstance>
/** How many were answered before the router. */
let answered = 0
/** Who may see what is personal, and who may not. */
const CALLERS = ['manager', 'till'] as const
type Caller = (typeof CALLERS)[number]
const tokens: Record<Caller, string> = { manager: '', till: '' }
const tags: Record<Caller, string> = { manager: '', till: '' }
const PHONE = '+48 22 555 01 00'
const stops: (() => Promise<void>)[] = []
before(async () => {
  service = await startService()
  const { config } = service
  near = await listening(service)
  const withoutNear = await wireApi({ ...config, nearCacheBytes: 0 }, quiet)
  redis = await listening({ api: withoutNear, config })
  stops.push(withoutNear.close)
  tokens.manager = bearer(await developmentToken(config, { subject: 'manager' }))
  tokens.till = bearer(await developmentToken(config, { subject: 'till', scopes: ['users:read'] }))
  const user = { username: 'zofia', givenName: 'Zoë 👋', familyName: 'Wójcik', jobTitle: 'x'.repeat(60), phone: PHONE }
  assert.equal((await service.app.inject({ method: 'POST', url: '/v1/users', payload: user })).statusCode, 201)
  await settled()
})
after(async () => {
  for (const app of [near, redis].flatMap((pair) => (pair ? [pair.hot, pair.cold] : []))) await app.close()
  for (const stop of stops) await stop()
  await service?.close()
})

async function listening({ api, config }: Pick<TestService, 'api' | 'config'>): Promise<Pair> {
  const queries = { ...api.queries, readHead: readHead(() => AGE) }
  const readAge = () => {
    answered += 1
    return AGE
  }
  const parts = { ...api, queries, http: config.http, log: quiet }
  const pair = {
    hot: await buildApp({ ...parts, hot: api.hot && { ...api.hot, readAge } }),
    cold: await buildApp({ ...parts, hot: null }),
  }
  for (const app of [pair.hot, pair.cold]) await app.listen({ host: '127.0.0.1', port: 0 })
  return pair
}

/** Answers the user's tag. */
const untilNear = (caller: Caller = 'till') =>
  until('the user is near', async () => {
    const { headers } = await near.cold.inject({ url: '/v1/users/1', headers: { authorization: tokens[caller] } })
    return headers['read-from'] === 'near' && String(headers.etag)
  })
/** Both have the user as they are now, and know both callers: whoever is not known by their token yet is the router's. */
async function settled(): Promise<void> {
  for (const caller of CALLERS) {
    await until('Redis has the user', async () => {
      const { headers } = await redis.cold.inject({ url: '/v1/users/1', headers: { authorization: tokens[caller] } })
      return headers['read-from'] === 'redis'
    })
    tags[caller] = await untilNear(caller)
  }
}
const portOf = (app: FastifyInstance) => (app.server.address() as AddressInfo).port

/** Everything that comes over one connection until the server closes it, or until nothing more can come. */
async function exchange(app: FastifyInstance, bytes: string): Promise<string> {
  const socket = connect(portOf(app), '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined)
  socket.write(bytes, 'latin1')
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

/** What may differ between two answers to one question: the second, how many are left, and an id that nobody has given. */
const comparable = (text: string) =>
  text
    .replace(/^Date: .*$/gm, 'Date')
    .replace(/^(ratelimit: "[a-z]+");r=\d+;t=\d+/gm, '$1')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'an id')

/** In the place of a caller's token. */
const WHO = 'Authorization: @'
const HEAD = `Host: x\r\n${WHO}\r\n`
const GET = `GET /v1/users/1 HTTP/1.1\r\n${HEAD}`
const LAST = 'Connection: close\r\n\r\n'

/** Asks both, in both orders of connections; answers how many of the requests were hot. */
async function compare(caller: Caller, asked: string, { hot, cold } = near) {
  const before = answered
  const bytes = asked.replaceAll(WHO, `Authorization: ${tokens[caller]}`)
  const [a, b] = await Promise.all([exchange(hot, bytes), exchange(cold, bytes)])
  assert.equal(comparable(a), comparable(b), bytes)
  return { hotAnswers: answered - before, text: a }
}

type Shape = [what: string, request: (own: string, others: string) => string, hot: number]
const shown = (headers: string): Shape => [headers, () => `${GET}${headers}\r\n${LAST}`, 1]
const unusual = (headers: string): Shape => [headers, () => `${GET}${headers}\r\n${LAST}`, 0]
const at = (path: string): Shape => [path, () => `GET ${path} HTTP/1.1\r\n${HEAD}${LAST}`, 0]
const held = (value: (own: string, others: string) => string): Shape => [
  `If-None-Match ${value('"tag"', '"the other variant’s"')}`,
  (own, others) => `${GET}If-None-Match: ${value(own, others)}\r\n${LAST}`,
  1,
]
const by = (authorization: string): Shape => [
  authorization || 'nobody',
  () => `GET /v1/users/1 HTTP/1.1\r\nHost: x\r\n${authorization}${LAST}`,
  0,
]

const SHAPES: Shape[] = [
  ['a plain request', () => `${GET}${LAST}`, 1],
  held((own) => own),
  held((own) => `W/${own}`),
  held((own) => `"x", ${own}`),
  held((_, others) => others),
  held((own, others) => `${others}, ${own}`),
  held(() => '*'),
  held(() => '"x"'),
  held(() => ''),
  held((own) => own.slice(1)),
  shown('X-Request-Id: a.b-c_1'),
  shown('x-request-id: a b'),
  shown(`x-request-id: ${'x'.repeat(65)}`),
  shown('X-REQUEST-ID: a'),
  shown('X-Request-Id:'),
  shown('Min-Version: user=1'),
  shown('min-version: user=1, roles=99'),
  shown('User-Agent: till/7.1\r\nAccept: */*\r\nAccept-Encoding: gzip, br\r\nX-Forwarded-For: 10.0.0.1'),
  shown('Accept: text/html'),
  shown('traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
  shown('Cache-Control: no-cache'),
  shown('X-Request-Deadline: 250'),
  unusual('Min-Version: user=99'),
  unusual('Min-Version: user=9007199254740992'),
  unusual('Min-Version: roles=1'),
  unusual('Min-Version:'),
  unusual('Min-Version: user=1\r\nMin-Version: user=2'),
  unusual('X-Request-Id: a\r\nX-Request-Id: b'),
  unusual('If-None-Match: "a"\r\nIf-None-Match: "b"'),
  unusual(WHO),
  unusual('Authorization: Bearer x'),
  by(''),
  by('Authorization: Bearer x\r\n'),
  by('Authorization:\r\n'),
  by('Authorization: Basic dGlsbDp0aWxs\r\n'),
  by(`Proxy-${WHO}\r\n`),
  unusual('Cookie: a=b'),
  unusual('Range: bytes=0-1'),
  unusual('If-Match: "x"'),
  unusual('If-Modified-Since: Wed, 21 Oct 2015 07:28:00 GMT'),
  unusual('Content-Length: 0'),
  unusual('Content-Length: 2\r\n\r\n{}GET /health/live HTTP/1.1\r\nHost: x'),
  unusual('Content-Type: application/json'),
  unusual('Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x'),
  unusual('Expect: 100-continue'),
  unusual('Upgrade: h2c'),
  unusual('Accept-Version: 1.x'),
  unusual('Origin: https://example.com'),
  unusual('X-Unheard-Of: 1'),
  unusual('X-HTTP-Method-Override: DELETE'),
  at('/v1/users/2'),
  at('/v1/users/0'),
  at('/v1/users/01'),
  at('/v1/users/+1'),
  at('/v1/users/1/'),
  at('/v1/users/1?'),
  at('/v1/users/1?x=1'),
  at('/v1/users/1;x'),
  at('/v1/users/1#x'),
  at('/v1/users/%31'),
  at('/v1/users/1e0'),
  at('/v1/users/'),
  at('/v1/users'),
  at('//v1/users/1'),
  at('/V1/users/1'),
  at('/v1/users/9007199254740992'),
  at('/v1/users/99999999999999999'),
  at('/v1/users/4294967297'),
  at('/v1/users/x1'),
  at('http://elsewhere/v1/users/1'),
  ['HEAD', () => `HEAD /v1/users/1 HTTP/1.1\r\n${HEAD}${LAST}`, 0],
  ['DELETE', () => `DELETE /v1/users/1 HTTP/1.1\r\n${HEAD}${LAST}`, 0],
  ['OPTIONS', () => `OPTIONS /v1/users/1 HTTP/1.1\r\n${HEAD}${LAST}`, 0],
  ['QUERY', () => `QUERY /v1/users/1 HTTP/1.1\r\n${HEAD}${LAST}`, 0],
  ['HTTP/1.0', () => `GET /v1/users/1 HTTP/1.0\r\n${WHO}\r\n\r\n`, 0],
  [
    'HTTP/1.0 that keeps the connection',
    () => `GET /v1/users/1 HTTP/1.0\r\n${WHO}\r\nConnection: keep-alive\r\n\r\n${GET}${LAST}`,
    1,
  ],
  ['no host', () => `GET /v1/users/1 HTTP/1.1\r\n${WHO}\r\n${LAST}`, 0],
]

for (const [what, request, hotAnswers] of SHAPES) {
  for (const caller of CALLERS)
    test(`the same to the last byte, ${hotAnswers === 0 ? 'by the router' : 'before it'}, to a ${caller}: ${what.replaceAll('\r\n', ' ').slice(0, 70)}`, async () => {
      await untilNear(caller)
      const bytes = request(tags[caller], tags[caller === 'till' ? 'manager' : 'till'])
      for (const [from, pair] of [
        ['near', near],
        ['redis', redis],
      ] as const) {
        const { text, ...got } = await compare(caller, bytes, pair)
        assert.match(text, /^HTTP\/1\.1 \d{3} /)
        assert.equal(got.hotAnswers, hotAnswers, text)
        if (hotAnswers === 1) assert.match(text, new RegExp(`read-from: ${from}\r\n`))
        if (caller === 'till') assert.ok(!text.includes(PHONE), text)
      }
    })
}

for (const [from, pair] of [
  ['near', () => near],
  ['redis', () => redis],
] as const)
  test(`each is shown what they may see, under a tag of its own, and has nothing by the other’s tag, from ${from}`, async () => {
    for (const caller of CALLERS) {
      await untilNear(caller)
      const others = tags[caller === 'till' ? 'manager' : 'till']
      for (const conditions of ['', `If-None-Match: ${others}\r\n`]) {
        const { text, hotAnswers } = await compare(caller, `${GET}${conditions}${LAST}`, pair())
        assert.equal(hotAnswers, 1)
        assert.match(text, /^HTTP\/1\.1 200 /)
        assert.ok(text.includes(`etag: ${tags[caller]}\r\n`), text)
        assert.equal(text.includes(`"phone":"${PHONE}"`), caller === 'manager', text)
      }
      const { text } = await compare(caller, `${GET}If-None-Match: ${tags[caller]}\r\n${LAST}`, pair())
      assert.match(text, /^HTTP\/1\.1 304 /)
    }
    assert.notEqual(tags.manager, tags.till)
  })

for (const from of ['near', 'redis'])
  test(`one connection, many requests, hot ones and others by turns: all of it is the same, from ${from}`, async () => {
    await untilNear()
    const kept = [`${GET}\r\n`, 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n', `${GET}If-None-Match: *\r\n\r\n`]
    const { hotAnswers, text } = await compare(
      'till',
      `${Array(20).fill(kept.join('')).join('')}${GET}${LAST}`,
      from === 'near' ? near : redis,
    )
    assert.equal(hotAnswers, 41)
    assert.equal(text.match(/Connection: keep-alive\r\nKeep-Alive: timeout=72\r\n/g)?.length, 60)
  })

const name = fc.constantFrom(
  ...['Host', 'host', 'X-Request-Id', 'If-None-Match', 'IF-NONE-MATCH', 'Min-Version', 'Accept', 'user-agent'],
  ...[
    'Authorization',
    'Range',
    'Cookie',
    'TE',
    'Connection',
    'Keep-Alive',
    'Content-Length',
    'Via',
    'X-Forwarded-For',
    'DNT',
    'x',
  ],
)
const value = fc.oneof(
  fc.constantFrom('', '*', '"x"', 'user=1', 'user=2, roles=1', 'keep-alive', 'close', '0', 'a', 'é', 'x,y', ' a '),
  fc.string({ unit: 'grapheme-ascii', maxLength: 8 }),
)
const path = fc.oneof(
  { weight: 4, arbitrary: fc.constant('/v1/users/1') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('/v1/users/01', '/v1/users/1?', '/v1/users/2', '/v1/roles', '/v1/users/1%20'),
  },
)
const caller = fc.constantFrom(...CALLERS)
const request = fc.record({ path, caller, headers: fc.array(fc.tuple(name, value), { maxLength: 4 }) })

test(`made-up requests are answered the same (seed ${SEED})`, async () => {
  const before = answered
  await fc.assert(
    // One each: what Node's parser refuses ends the connection, and with it what is still being answered on it.
    fc.asyncProperty(request, async ({ path, caller, headers }) => {
      await untilNear(caller)
      const lines = headers.map(([key, text]) => `${key}: ${text}\r\n`).join('')
      const bytes = `GET ${path} HTTP/1.1\r\n${HEAD}${lines}Connection: close\r\n\r\n`
      await compare(caller, bytes)
      await compare(caller, bytes, redis)
    }),
    { seed: SEED, numRuns: 500 },
  )
  assert.ok(answered - before > 200, `${answered - before} were hot`)
})

test('during the shutdown the router answers, and closes the connection', async (t) => {
  const own = await startOwn(t, 'silent')
  t.after(settled)
  await untilNear()
  const as = (bytes: string, caller: Caller) => bytes.replaceAll(WHO, `Authorization: ${tokens[caller]}`)
  const blocked = connect(portOf(own.app), '127.0.0.1')
  let text = ''
  blocked.on('data', (bytes: Buffer) => {
    text += bytes.toString()
  })
  service.sql('BEGIN IMMEDIATE')
  const command = '{"jobTitle":"Clerk"}'
  const head = `PATCH /v1/users/1 HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nContent-Length: ${command.length}`
  const [requests, began] = [countRequests(own.app), once(own.app.server, 'request')]
  blocked.write(as(`${head}\r\n\r\n${command}`, 'manager'))
  await began
  const closed = own.app.close()
  blocked.write(as(`${GET}\r\n`, 'till'))
  await until('one more has come', async () => requests() === 2)
  service.sql('ROLLBACK')
  await once(blocked, 'close')
  await closed
  assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 2)
  assert.match(text, /read-from: (near|redis|database)\r\n(?:(?!keep-alive).)*$/s)
})

test('a read that is to be logged is the router’s', async (t) => {
  const { app, lines } = await startOwn(t, 'debug')
  await untilNear()
  const before = answered
  await exchange(app, `${GET.replace(WHO, `Authorization: ${tokens.till}`)}X-Request-Id: logged\r\n${LAST}`)
  await until('it is logged', async () => lines.some(({ requestId }) => requestId === 'logged'))
  assert.equal(answered, before)
})

function countRequests(app: FastifyInstance): () => number {
  let count = 0
  app.server.on('request', () => {
    count += 1
  })
  return () => count
}

/** An application of the test's own over the same reads. */
async function startOwn(t: TestContext, level: string) {
  const lines: { requestId?: string }[] = []
  const write = (fields: object) => void lines.push(fields)
  const log = { level, debug: write, info: write, warn: write, error: write }
  const { api, config } = service
  const app = await buildApp({ ...api, hot: api.hot, http: config.http, log })
  t.after(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, lines }
}
