import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { answering, GET, startProxy, startRaw, UNGUARDED, until } from '../../../test/strangler/proxy/rig.ts'
import type { LegacyGuard } from './parts.ts'
import { upstream } from './upstream.ts'

const PEER = { address: '127.0.0.1', isEncrypted: false }
const HOST = ['Host', 'shop']
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const never = new AbortController().signal
const question = (rawHeaders = HOST, path = '/users/7/') => ({ path, rawHeaders, peer: PEER })
const reason = (wanted: string) => ({ name: 'NeighbourError', reason: wanted })

test('it is asked as the client has asked, but for what would make it another answer, or is of a body', async (t) => {
  const legacy = await startRaw(t, answering(OK))
  const { application } = await startProxy(t, legacy.url)
  const left = ['Range', 'bytes=0-1', 'If-None-Match', '"1"', 'Expect', '100-continue', 'Content-Length', '9']
  const copy = await application.ask(question([...HOST, ...left, 'Cookie', 'a=1']), 100, never)
  assert.deepEqual([copy.status, String(copy.body)], [200, 'ok'])
  const received = legacy.connections[0]?.received() ?? ''
  assert.match(received, /^GET \/users\/7\/ HTTP\/1\.1\r\nHost: shop\r\nCookie: a=1\r\n/)
  assert.doesNotMatch(received, /range|if-none|expect|content-length/i)
})

test('who has asked without a Host, in HTTP/1.0, is asked for as well', async (t) => {
  const legacy = await startRaw(t, answering(OK))
  const { application } = await startProxy(t, legacy.url)
  await application.ask(question([]), 100, never)
  assert.match(legacy.connections[0]?.received() ?? '', new RegExp(`\r\nHost: 127.0.0.1:${legacy.port}\r\n`))
})

test('what could be read in two ways is not asked', async (t) => {
  const legacy = await startRaw(t, answering(OK))
  const { application } = await startProxy(t, legacy.url)
  await assert.rejects(application.ask(question([...HOST, ...HOST]), 100, never), reason('refused'))
  assert.equal(legacy.connections.length, 0)
})

test('an answer that is too large is no answer, and its connection is closed', { timeout: 20_000 }, async (t) => {
  const endless = `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1_000)}`
  const legacy = await startRaw(t, answering(endless))
  const { application } = await startProxy(t, legacy.url, { silenceMs: 3_600_000 })
  await assert.rejects(application.ask(question(), 100, never), reason('wrong-answer'))
  await until('its connection to be closed', () => legacy.connections[0]?.socket.destroyed ?? false)
})

test('an answer that breaks off is none', async (t) => {
  const legacy = await startRaw(t, (_received, socket) => {
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
  })
  const { application } = await startProxy(t, legacy.url)
  await assert.rejects(application.ask(question(), 100, never), reason('wrong-answer'))
})

for (const [when, answer] of [
  ['before its answer', ''],
  ['within its answer', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
] as const) {
  test(`given up ${when}: it is ended, and told as that`, async (t) => {
    const legacy = await startRaw(t, answering(answer))
    let isHeard = false
    const guard: LegacyGuard = {
      run: (signal, { head, isSent, rest }) => {
        const hearing = async () => {
          const heard = await head()
          isHeard = true
          return heard
        }
        return UNGUARDED.run(signal, { head: hearing, isSent, rest })
      },
    }
    const { application } = await startProxy(t, legacy.url, { guard })
    const given = new AbortController()
    const asked = application.ask(question(), 100, given.signal)
    asked.catch(() => undefined)
    const isThere = () => legacy.connections[0]?.received().endsWith('\r\n\r\n') ?? false
    await until(when, () => (answer === '' ? isThere() : isHeard))
    given.abort()
    await assert.rejects(asked, reason('cancelled'))
    await until('its connection to be closed', () => legacy.connections[0]?.socket.destroyed ?? false)
  })
}

test('with an agent that adds headers of its own, the lines are given as pairs, and arrive the same', async (t) => {
  const legacy = await startRaw(t, answering(OK))
  const tracing = { isTracing: () => false, ofCall: () => ({}) }
  const { application } = await startProxy(t, legacy.url, { tracing })
  await application.ask(question([...HOST, 'X-A', '1', 'x-a', '2']), 100, never)
  assert.match(legacy.connections[0]?.received() ?? '', /\r\nHost: shop\r\nX-A: 1\r\nx-a: 2\r\n/)
})

for (const [url, port] of [
  ['http://127.0.0.1', 80],
  ['https://127.0.0.1/', 443],
] as const) {
  test(`a URL without a port (${url}) means its scheme’s`, async (t) => {
    const one = upstream({ url, concurrent: 1, idleMs: 1 })
    t.after(one.close)
    const head = { method: 'GET', path: '/', headers: HOST, hasBody: false, mayContinue: false }
    const outgoing = one.open(head, false)
    const [error] = (await once(outgoing, 'error')) as [NodeJS.ErrnoException & { port?: number }]
    assert.deepEqual([error.code, error.port], ['ECONNREFUSED', port])
  })
}

test('a guard may ask before there is anything, and let nothing through: the client is refused, and we have no answer', async (t) => {
  const legacy = await startRaw(t, answering(OK))
  const sent: boolean[] = []
  const guard: LegacyGuard = { run: async (_signal, { isSent }) => void sent.push(isSent()) }
  const proxy = await startProxy(t, legacy.url, { guard })
  assert.match(await proxy.ask(GET), /^HTTP\/1\.1 502 /)
  await assert.rejects(proxy.application.ask(question(), 100, never), reason('wrong-answer'))
  assert.deepEqual([sent, legacy.connections.length], [[false, false], 0])
})
