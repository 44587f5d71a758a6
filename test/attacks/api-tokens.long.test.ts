import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { SCOPES } from '../../src/domain/principal.ts'
import { lastFirst } from '../contract/rig.ts'
import { makeKey, signer, startIssuer, type TestIssuer, tokenByHand } from '../support/issuer.ts'
import { until } from '../support/service.ts'
import { developmentTokenIn } from '../support/tokens.ts'
import { rawRequest, sendRaw } from './raw.ts'
import { startTarget, type Target } from './rig.ts'

let issuer: TestIssuer
let target: Target
const ends: (() => unknown)[] = []
const t = lastFirst({ after: (end) => void ends.push(end) })
before(async () => {
  issuer = await startIssuer()
  t.after(issuer.close)
  target = await startTarget(t, {
    worker: false,
    environment: { ...issuer.environment, AUTH_CLOCK_SKEW_S: '0' },
    token: issuer.token({ scope: SCOPES.join(' ') }),
  })
  await target.somebody()
})
after(async () => {
  for (const end of ends) await end()
})

const URL = '/v1/users/1'
const reading = (claims: object, header: object = {}) =>
  issuer.token({ scope: 'users:read', ...claims }, { header: { ...header } })
async function refused(what: string, token: string, status = 401): Promise<void> {
  const before = await target.written()
  for (const [method, url, body] of [
    ['GET', URL],
    ['PATCH', URL, { jobTitle: 'Thief' }],
  ] as const) {
    const answer = await target.send(method, url, { token, body })
    assert.equal(answer.status, status, `${what}: ${answer.text}`)
    assert.ok(!answer.text.includes('evil') && !answer.lines.join().includes('evil'), `${what} is repeated`)
  }
  assert.deepEqual(await target.written(), before)
}

test('a token’s header points nowhere: keys come from the issuer alone', async (context) => {
  const own = lastFirst(context)
  const stranger = makeKey('ES256', { kid: 'evil' })
  let asked = 0
  const server = createServer((_request, response) => {
    asked += 1
    response.end(JSON.stringify({ keys: [stranger.jwk] }))
  }).listen(0, '127.0.0.1')
  own.after(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/evil.json`
  const claims = { scope: 'users:read users:write' }
  const headers: Record<string, unknown>[] = [
    { jku: url },
    { jku: url, kid: issuer.key.kid },
    { x5u: url },
    { jwk: stranger.jwk },
    { jwk: stranger.jwk, kid: issuer.key.kid },
    { x5c: [stranger.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] },
    { kid: url },
    { kid: '../../../../dev/null' },
    { kid: "evil' OR '1'='1" },
    { kid: ['evil'] },
    { kid: { evil: 1 } },
    { kid: '__proto__' },
    { kid: undefined },
    { crit: ['evil'], evil: true },
    { crit: [], kid: issuer.key.kid },
    { b64: false, crit: ['b64'], kid: issuer.key.kid },
  ]
  for (const header of headers) await refused(JSON.stringify(header), issuer.token(claims, { key: stranger, header }))
  assert.equal(asked, 0)
})

test('what is no compact JWS of three parts is no token', async () => {
  const good = reading({})
  const [head = '', claims = '', signature = ''] = good.split('.')
  const shapes = {
    'five parts': `${head}.${claims}.${signature}.${head}.${claims}`,
    'two parts': `${head}.${claims}`,
    'JSON serialisation': JSON.stringify({ protected: head, payload: claims, signature }),
    'plain JSON': JSON.stringify({ sub: 'evil', scope: 'users:read' }),
    'padded parts': `${head}=.${claims}==.${signature}=`,
    'a part in another base64': `${head}.${claims}.${signature.replace(/[-_]/g, '+')}+/`,
    'one token in another': reading({ scope: undefined, token: good }),
    'two tokens': `${good} ${good}`,
    'a list': `${good}, ${good}`,
    'a token in quotes': `"${good}"`,
    'text behind it': `${good} evil`,
    'NUL-like escapes': `${head}%00.${claims}.${signature}`,
    'no header': `.${claims}.${signature}`,
    'no claims': `${head}..${signature}`,
    'a huge one': `${head}.${'e'.repeat(10_000)}.${signature}`,
    'claims that are no object': tokenByHand(
      { alg: 'ES256', kid: issuer.key.kid, typ: 'at+jwt' },
      '["evil"]',
      signer('ES256', issuer.key.privateKey),
    ),
    'claims that are no JSON': tokenByHand(
      { alg: 'ES256', kid: issuer.key.kid, typ: 'at+jwt' },
      '{"sub":',
      signer('ES256', issuer.key.privateKey),
    ),
  }
  for (const [what, token] of Object.entries(shapes))
    await refused(what, token, what === 'one token in another' ? 403 : 401)
})

test('claims of another kind than they should be are not taken for none, nor for more', async () => {
  const odd: Record<string, object> = {
    'scope is a list': { scope: ['users:read', 'users:write'] },
    'scope is an object': { scope: { 'users:read': true } },
    'scope is a number': { scope: 1 },
    'branches are a text': { branches: 'B001' },
    'branches are null': { branches: null },
    'branches are an object': { branches: { length: 0 } },
    'a branch is null': { branches: [null] },
    'a branch is a list': { branches: [['B001']] },
    'user_id is 0': { user_id: 0 },
    'user_id is below 0': { user_id: -1 },
    'user_id is no integer': { user_id: 1.5 },
    'user_id is too large': { user_id: 2 ** 53 },
    'user_id has an exponent': { user_id: '1e3' },
    'user_id has a zero in front': { user_id: '01' },
    'user_id is a list': { user_id: [1] },
    'user_id is null': { user_id: null },
    'sub is a number': { sub: 1 },
    'sub is a list': { sub: ['evil'] },
    'sub is empty': { sub: '' },
    'sub holds a line end': { sub: 'evil\nsubject' },
    'sub holds a NUL': { sub: 'evil\u0000subject' },
    'sub holds an escape': { sub: 'evil\u001b[31m' },
    'sub is too long': { sub: 'evil'.repeat(100) },
    'sub is missing': { sub: undefined },
    'client is a list': { client_id: ['evil'] },
    'client holds a line end': { client_id: 'evil\r\nx: y' },
    'iss is a list': { iss: [issuer.name] },
    'iss has a slash more': { iss: `${issuer.name}/` },
    'iss is in capitals': { iss: issuer.name.toUpperCase() },
    'aud holds ours in a text': { aud: `${issuer.audience} evil` },
    'aud is in capitals': { aud: issuer.audience.toUpperCase() },
    'aud is an object': { aud: { [issuer.audience]: 1 } },
    'aud is an empty list': { aud: [] },
    'exp is a text': { exp: '9999999999' },
    'exp is infinite': { exp: 1e300 },
    'exp is null': { exp: null },
    'nbf is a text': { nbf: '0' },
    'iat is a text': { iat: 'now' },
  }
  for (const [what, claims] of Object.entries(odd))
    await refused(what, reading({ scope: 'users:read users:write', ...claims }))
})

test('scopes are whole words, and those that there are', async () => {
  for (const scope of [
    '',
    'users:read2',
    'xusers:read',
    'USERS:READ',
    'users:*',
    '*',
    'users',
    'users:readusers:write',
    'users:read,operate',
    'users:read\toperate',
    'users:read\noperate',
    'users:read\u00a0operate',
    'constructor',
    '__proto__',
    'admin',
  ])
    await refused(JSON.stringify(scope), reading({ scope }), 403)
  assert.equal((await target.send('GET', URL, { token: reading({ scope: ' openid  users:read admin ' }) })).status, 200)
})

test('a claim that stands twice is read as it is verified: the last one, and never both', async () => {
  const signed = (claims: string) =>
    tokenByHand({ alg: 'ES256', kid: issuer.key.kid, typ: 'at+jwt' }, claims, signer('ES256', issuer.key.privateKey))
  const [, payload = ''] = reading({}).split('.')
  const claims = Buffer.from(payload, 'base64url').toString()
  const twice = (more: string) => signed(`${claims.slice(0, -1)},${more}}`)
  await refused('scope twice', twice('"scope":""'), 403)
  await refused('aud twice', twice('"aud":"evil"'))
  await refused('exp twice', twice('"exp":1'))
  await refused('__proto__', signed(`{"__proto__":${claims},"sub":"evil"}`))
})

test('tokens for something else than access are none: of another type, for another service, of a development key', async () => {
  for (const typ of ['JWT', 'id_token+jwt', 'logout+jwt', 'at+jwt; x', 'dpop+jwt', ''])
    await refused(`typ ${typ}`, reading({}, { typ }))
  await refused('for others', reading({ aud: ['account', 'another-service'] }))
  await refused('of a development key', await developmentTokenIn(target.service.config.dataDir))
  // RFC 7519 section 4.1.3: one of several is enough. RFC 9068 section 4: the type with its prefix, in either case.
  assert.equal((await target.send('GET', URL, { token: reading({ aud: ['account', issuer.audience] }) })).status, 200)
  assert.equal((await target.send('GET', URL, { token: reading({}, { typ: 'application/AT+JWT' }) })).status, 200)
})

test('who shows two tokens shows none, in whatever order and case', async () => {
  const [good, bad] = [`Bearer ${reading({})}`, `Bearer ${reading({ exp: 1 })}`]
  for (const lines of [
    [`Authorization: ${good}`, `Authorization: ${bad}`],
    [`Authorization: ${bad}`, `Authorization: ${good}`],
    [`authorization: ${good}`, `AUTHORIZATION: ${good}`],
    [`Authorization: ${good}`, 'Authorization: Basic dTpw'],
    [`Authorization: ${good}, ${good}`],
    [`Authorization: ${good},Basic dTpw`],
    [`Authorization: Basic dTpw, ${good}`],
    [`Authorization : ${good}`],
    [`Authorization: Bearer`, `X-Filler: ${good}`],
    [`Proxy-Authorization: ${good}`],
    [`X-Authorization: ${good}`],
  ]) {
    const { status } = await sendRaw(target.base, rawRequest('GET', URL, lines))
    assert.ok(status === 401 || status === 400, `${status} ${lines.join(' | ').slice(0, 60)}`)
  }
  for (const line of [`Authorization: ${good}`, `AUTHORIZATION:    ${good.replace('Bearer', 'bEARER')}   `]) {
    assert.equal((await sendRaw(target.base, rawRequest('GET', URL, [line]))).status, 200)
  }
})

test('a token that was good here once is no good a byte different, for another scope, or after its end', async () => {
  const nowS = Math.floor(Date.now() / 1_000)
  const good = reading({ exp: nowS + 3_600 })
  for (let i = 0; i < 3; i += 1) assert.equal((await target.send('GET', URL, { token: good })).status, 200)
  // What is remembered of it is not for the command beside.
  assert.equal((await target.send('PATCH', URL, { token: good, body: { jobTitle: 'Thief' } })).status, 403)
  for (const at of [0, 5, good.indexOf('.') + 3, good.lastIndexOf('.') + 5]) {
    const other = good[at] === 'A' ? 'B' : 'A'
    await refused(`byte ${at}`, good.slice(0, at) + other + good.slice(at + 1))
  }
  // Some of these say the same: not all bits of the last character are the signature's.
  for (const other of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
    if (!good.endsWith(other)) await refused(`ending in ${other}`, good.slice(0, -1) + other)
  await refused('lower case', good.toLowerCase())
  assert.equal((await target.send('GET', URL, { token: good })).status, 200)
  const ending = reading({ exp: Math.floor(Date.now() / 1_000) + 2 })
  assert.equal((await target.send('GET', URL, { token: ending })).status, 200)
  await until('it has ended', async () => (await target.send('GET', URL, { token: ending })).status === 401)
})

test('nothing of a token goes on to the services that a profile asks', async (context) => {
  const own = lastFirst(context)
  const seen: NodeJS.Dict<string | string[]>[] = []
  const server = createServer((request, response) => {
    seen.push({ url: request.url, ...request.headers })
    response.writeHead(404, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  own.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const asking = await startTarget(own, { worker: false, environment: { BRANCHES_URL: url, PEOPLE_URL: url } })
  const userId = await asking.somebody({ homeBranchId: 'B001', employeeNumber: 'E-1' })
  const headers = { cookie: 'session=evil', 'x-client-subject': 'evil' }
  await asking.send('GET', `/v1/users/${userId}/profile`, { headers })
  assert.ok(seen.length >= 2)
  for (const one of seen) {
    assert.deepEqual([one.authorization, one.cookie, one['x-client-subject']], [undefined, undefined, undefined])
    assert.ok(!JSON.stringify(one).includes(asking.service.token))
  }
})
