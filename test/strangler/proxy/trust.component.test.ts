import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answering, startProxy, startRaw } from './rig.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const HERE = '127.0.0.1'

/** Headers by which applications and their servers are told how they were asked. */
const SAID = {
  'X-Forwarded-Ssl': 'on',
  'x-forwarded-PROTOCOL': 'ssl',
  'X-Forwarded-Scheme': 'https',
  'X-Forwarded-Prefix': '/evil',
  'X-Forwarded-Server': 'evil',
  'X-Forwarded-Path': '/evil',
  'X-Forwarded-User': 'root',
  'Front-End-Https': 'on',
  'X-Real-Ip': '6.6.6.6',
  'X-Url-Scheme': 'https',
  'X-Original-Url': '/evil',
  'X-Rewrite-Url': '/evil',
}
/** What WSGI gives an application as variables of these names, or for those above; gunicorn believes the first two. */
const FOLDED = [
  'SCRIPT_NAME',
  'PATH_INFO',
  'REMOTE_USER',
  'X_Real_Ip',
  'x_forwarded-ssl',
  'X-Forwarded_For',
  '_',
  'a_b',
]

const linesOf = (said: object) =>
  Object.entries(said)
    .map((line) => `${line.join(': ')}\r\n`)
    .join('')
const asked = (lines: string) => `GET / HTTP/1.1\r\nHost: shop\r\n${lines}X-Kept: 1\r\nConnection: close\r\n\r\n`
const namesIn = (received = '') => received.split('\r\n').map((line) => line.split(':')[0])

test('what an ingress alone may say is dropped when anybody else says it', async (t) => {
  const legacy = await startRaw(t, answering(OK))
  for (const trustedProxies of [[], ['192.0.2.0/24']]) {
    const proxy = await startProxy(t, legacy.url, { trustedProxies })
    await proxy.ask(asked(linesOf(SAID)))
    const names = namesIn(legacy.connections.at(-1)?.received())
    assert.ok(names.includes('X-Kept'))
    assert.deepEqual(
      Object.keys(SAID).filter((name) => names.includes(name)),
      [],
    )
  }
})

test('of a trusted ingress it is kept', async (t) => {
  const legacy = await startRaw(t, answering(OK))
  const proxy = await startProxy(t, legacy.url, { trustedProxies: [HERE] })
  await proxy.ask(asked(linesOf(SAID)))
  assert.ok(legacy.connections[0]?.received().includes(linesOf(SAID)))
})

test('no name holds an underscore, whoever says it', async (t) => {
  const legacy = await startRaw(t, answering(OK))
  for (const trustedProxies of [[], [HERE]]) {
    const proxy = await startProxy(t, legacy.url, { trustedProxies })
    await proxy.ask(asked(FOLDED.map((name) => `${name}: evil\r\n`).join('')))
    const received = legacy.connections.at(-1)?.received() ?? ''
    assert.ok(received.includes('X-Kept: 1'))
    assert.doesNotMatch(received, /evil/)
  }
})

test('a comparison asks in the place of whoever asked first, and as much is believed', async (t) => {
  const legacy = await startRaw(t, answering(OK))
  // This process itself is trusted: that must not be lent to strangers.
  const { application } = await startProxy(t, legacy.url, { trustedProxies: [HERE, '10.0.0.1'] })
  const rawHeaders = [
    'Host',
    'shop',
    'X-Forwarded-For',
    '203.0.113.7',
    'X-Forwarded-Proto',
    'https',
    'X-Real-Ip',
    '1.1.1.1',
  ]
  const ask = async (address: string, isEncrypted = false) => {
    await application.ask({ path: '/', rawHeaders, peer: { address, isEncrypted } }, 100, AbortSignal.timeout(5_000))
    const all = legacy.connections.map(({ received }) => received()).join('')
    const [last = ''] = all.split('\r\n\r\n').slice(-2)
    return /X-Forwarded-For: (.*)\r\nX-Forwarded-Host: .*\r\nX-Forwarded-Proto: (.*)\r\n/.exec(last)?.slice(1)
  }
  assert.deepEqual(await ask('198.51.100.9'), ['198.51.100.9', 'http'])
  assert.deepEqual(await ask('198.51.100.9', true), ['198.51.100.9', 'https'])
  assert.deepEqual(await ask('10.0.0.1'), ['203.0.113.7, 10.0.0.1', 'https'])
  // Of a connection that has ended nobody knows any more whose it was.
  assert.deepEqual(await ask('unknown'), ['unknown', 'http'])
})
