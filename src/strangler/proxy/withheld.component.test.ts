import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answering, startProxy, startRaw } from '../../../test/strangler/proxy/rig.ts'
import { withholding } from './withheld.ts'

const TOKENS = { issuer: 'https://issuer.example', audience: 'users-service' }
const PEER = { address: '127.0.0.1', isEncrypted: false }
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const token = (claims: unknown) => `${encoded({ alg: 'ES256' })}.${encoded(claims)}.c2ln`
const ours = token({ iss: TOKENS.issuer, aud: TOKENS.audience, sub: 'till' })
const amongOthers = token({ iss: TOKENS.issuer, aud: ['another', TOKENS.audience] })

test('a token for this service is not for the legacy application; everything else that says who asks is', () => {
  const withheld = withholding({ identity: null, tokens: TOKENS })
  const bearers = [`Bearer ${ours}`, `bearer  ${ours}`, `BEARER ${amongOthers}`, `Bearer ${ours}x`]
  const otherwise = [ours, `Bearer\t${ours}`, `Basic ${ours}`, `JWT ${ours}`, `Bearer a.b.c, Bearer ${ours}`]
  for (const value of [...bearers, ...otherwise]) assert.ok(withheld('authorization', value, PEER), value)
  for (const value of [
    '',
    'Bearer',
    'Bearer x',
    'Bearer a.b.c',
    'Bearer a.bnVsbA.c',
    'Token 0123456789abcdef',
    'Basic c2hvcDpzZWNyZXQ=',
    `Bearer ${token(null)}`,
    `Bearer ${token({ iss: TOKENS.issuer, aud: 'another' })}`,
    `Bearer ${token({ iss: 'https://elsewhere.example', aud: TOKENS.audience })}`,
    `Bearer ${token({ aud: TOKENS.audience })}`,
  ])
    assert.ok(!withheld('authorization', value, PEER), value)
  assert.ok(!withheld('x-authorization', `Bearer ${ours}`, PEER))
})

test('where the legacy application verifies them itself it is given them', () => {
  assert.ok(!withholding({ identity: null, tokens: null })('authorization', `Bearer ${ours}`, PEER))
})

test('of two lines, and of a question of our own, it gets what is not ours', async (t) => {
  const legacy = await startRaw(t, answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  const proxy = await startProxy(t, legacy.url, { withheld: withholding({ identity: null, tokens: TOKENS }) })
  const lines = `Authorization: Bearer ${ours}\r\nAUTHORIZATION: Bearer a.b.c\r\nAuthorization: Bearer ${amongOthers}\r\n`
  await proxy.ask(`GET / HTTP/1.1\r\nHost: shop\r\n${lines}Connection: close\r\n\r\n`)
  const received = legacy.connections.at(-1)?.received() ?? ''
  assert.ok(received.includes('AUTHORIZATION: Bearer a.b.c\r\n'))
  assert.equal(received.match(/authorization/gi)?.length, 1)
  const rawHeaders = ['Host', 'shop', 'Authorization', `Bearer ${ours}`, 'Cookie', 'a=b']
  await proxy.application.ask({ path: '/', rawHeaders, peer: PEER }, 100, AbortSignal.timeout(5_000))
  const [last = ''] = legacy.connections
    .map((one) => one.received())
    .join('')
    .split('\r\n\r\n')
    .slice(-2)
  assert.ok(last.includes('Cookie: a=b'))
  assert.doesNotMatch(last, /authorization/i)
})

test('whom a proxy of ours may name, nobody else names to the legacy application', async (t) => {
  const legacy = await startRaw(t, answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  const said = async (from: string) => {
    const identity = { header: 'x-client-subject', isFrom: (address: string) => address === from }
    const withheld = withholding({ identity, tokens: TOKENS })
    // Also where its forwarding headers are believed.
    const proxy = await startProxy(t, legacy.url, { withheld, trustedProxies: ['127.0.0.1'] })
    await proxy.ask(
      'GET / HTTP/1.1\r\nHost: shop\r\nX-Client-Subject: admin\r\nX-CLIENT-SUBJECT: root\r\nX-Kept: 1\r\nConnection: close\r\n\r\n',
    )
    const received = legacy.connections.at(-1)?.received() ?? ''
    assert.ok(received.includes('X-Kept: 1'))
    return received.match(/x-client-subject/gi)?.length ?? 0
  }
  assert.equal(await said('10.0.0.1'), 0)
  assert.equal(await said('127.0.0.1'), 2)
})
