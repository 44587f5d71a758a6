import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import { type TestContext, test } from 'node:test'
import { GET, problemIn, quiet, startFront, startLegacy, startRaw, until } from '../test/strangler/proxy/rig.ts'
import type { LegacyConfig } from './config-legacy.ts'
import type { NeighbourObserver } from './ports/neighbours.ts'
import { LEGACY_CIRCUIT, wireLegacy } from './wiring-legacy.ts'

const CONFIG: LegacyConfig = {
  ...{ url: null, connectMs: 500, deadlineMs: 2_000, silenceMs: 2_000, streamSilenceMs: 2_000, requestMs: 60_000 },
  ...{ concurrent: 8, waiting: 8, streams: 8, idleMs: 500, trustedProxies: [], takesTokens: false, startModes: {} },
  shadow: { samplePercent: 0, concurrent: 1 },
}
const WHO = { identity: null, tokens: { issuer: 'us', audience: 'us' } }
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9\r\n\r\n'

type Patience = Pick<Parameters<typeof wireLegacy>[0], 'longestTryMs' | 'standstillLimits'>

async function start(t: TestContext, config: Partial<LegacyConfig> & { url: string }, patience: Patience = {}) {
  const ended: string[] = []
  const states: string[] = []
  let attempts = 0
  const observer: NeighbourObserver = {
    ended: (_name, outcome) => void ended.push(outcome),
    attempted: () => {
      attempts += 1
    },
    changed: (_name, state) => void states.push(state),
  }
  const wired = wireLegacy({
    ...{ config: { ...CONFIG, ...config }, ...WHO, observer, log: quiet },
    ...patience,
  })
  t.after(wired.close)
  assert.ok(wired.legacy)
  return { ...wired, ...(await startFront(t, wired.legacy)), ended, states, attempts: () => attempts }
}

const codeOf = (text: string) => (text.startsWith('HTTP/1.1 2') ? 'answered' : problemIn(text).code)
const FIRST = LEGACY_CIRCUIT.leastCalls
const close = (server: Pick<Server, 'close'>) => new Promise((resolve) => server.close(resolve))

/** Sends requests until the breaker has opened. */
async function fallIll(proxy: { ask(text: string): Promise<string> }): Promise<void> {
  for (let i = 0; i < LEGACY_CIRCUIT.leastCalls; i += 1) await proxy.ask(GET)
  assert.equal(codeOf(await proxy.ask(GET)), 'legacy-not-asked')
}

test('without an address there is none', () => {
  const observer = { ended: () => undefined, attempted: () => undefined, changed: () => assert.fail('of what?') }
  const { legacy, breaker } = wireLegacy({ config: CONFIG, ...WHO, observer, log: quiet })
  assert.deepEqual([legacy, breaker.isConfigured], [null, false])
})

test('one that cannot be reached is not asked any more, and is asked again soon after it is back', async (t) => {
  const legacy = await startLegacy(t, (_request, response) => void response.end('ok'))
  const proxy = await start(t, { url: legacy.url })
  assert.equal(codeOf(await proxy.ask(GET)), 'answered')
  legacy.server.closeAllConnections()
  await close(legacy.server)
  for (let i = 1; i < LEGACY_CIRCUIT.leastCalls; i += 1)
    assert.equal(codeOf(await proxy.ask(GET)), 'legacy-unreachable')
  const text = await proxy.ask(GET)
  assert.equal(codeOf(text), 'legacy-not-asked')
  assert.match(text, /^HTTP\/1\.1 503 [\s\S]*\r\nRetry-After: 1\r\n/)
  assert.equal(proxy.attempts(), LEGACY_CIRCUIT.leastCalls)
  assert.equal(proxy.breaker.report().state, 'open')
  legacy.server.listen(legacy.port, '127.0.0.1')
  const backMs = performance.now()
  while (codeOf(await proxy.ask(GET)) !== 'answered')
    assert.ok(performance.now() - backMs < LEGACY_CIRCUIT.openMs + 1_000)
  assert.deepEqual(proxy.states, ['closed', 'open', 'half-open', 'closed'])
  assert.deepEqual(proxy.ended.slice(0, 2), ['answered', 'unreachable'])
})

test('one that answers is well, whatever it answers; whoever goes away says nothing of it', async (t) => {
  const legacy = await startLegacy(t, ({ url }, response) => {
    if (url !== '/never') response.writeHead(503).end()
  })
  const proxy = await start(t, { url: legacy.url })
  for (let i = 0; i < FIRST; i += 1) {
    assert.match(await proxy.ask(GET), /^HTTP\/1\.1 503 [\s\S]*Answered-By: legacy/)
  }
  for (let i = 0; i < 5 * FIRST; i += 1) {
    const talk = await proxy.talk()
    talk.socket.write(GET.replace('/', '/never'))
    await until('the question', () => proxy.attempts() === FIRST + i + 1)
    talk.socket.destroy()
    await until('its end', () => proxy.ended.length === FIRST + i + 1)
  }
  assert.equal(proxy.breaker.report().state, 'closed')
  assert.equal(proxy.ended.filter((outcome) => outcome === 'cancelled').length, 5 * FIRST)
})

test('no more at the same time than it has places for, and no more waiting than may', async (t) => {
  const waiting: (() => void)[] = []
  const legacy = await startLegacy(t, (_request, response) => void waiting.push(() => void response.end('ok')))
  const proxy = await start(t, { url: legacy.url, concurrent: 1, waiting: 1 })
  const first = proxy.ask(GET)
  await until('the first', () => waiting.length === 1)
  const second = await proxy.talk()
  second.socket.write(GET)
  // A third is refused only while the second waits.
  let third = ''
  for (let i = 0; i < 100 && third !== 'legacy-busy'; i += 1) {
    const talk = await proxy.talk()
    talk.socket.write(GET)
    third = String(codeOf(await talk.closed()))
  }
  assert.equal(third, 'legacy-busy')
  waiting[0]?.()
  assert.equal(codeOf(await first), 'answered')
  await until('the second', () => waiting.length === 2)
  waiting[1]?.()
  assert.equal(codeOf(await second.closed()), 'answered')
})

test('whether it is well again does not depend on how long a client takes for its upload', async (t) => {
  let isIll = true
  const legacy = await startRaw(t, (received, socket) => {
    if (isIll) return void socket.destroy()
    if (received.startsWith('GET') || received.endsWith('the end!!'))
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  })
  const proxy = await start(t, { url: legacy.url, silenceMs: 10_000 }, { longestTryMs: 50 })
  await fallIll(proxy)
  isIll = false
  // The first that is let through is this one, which takes its time.
  const uploads: Awaited<ReturnType<typeof proxy.talk>>[] = []
  const before = legacy.connections.length
  while (legacy.connections.length === before) {
    const upload = await proxy.talk()
    uploads.push(upload)
    upload.socket.write(POST)
    await until('an answer, or that it is asked', () => upload.text() !== '' || legacy.connections.length > before)
  }
  const startMs = performance.now()
  while (codeOf(await proxy.ask(GET)) !== 'answered') assert.ok(performance.now() - startMs < 3_000)
  const last = uploads.at(-1)
  last?.socket.write('the end!!')
  assert.equal(codeOf((await last?.closed()) ?? ''), 'answered')
})

const STANDSTILL = { least: FIRST, afterMs: 200, checkEveryMs: 20 }
const MANY = { concurrent: 64, waiting: 64, deadlineMs: 60_000 }

test('one that is frozen is found out long before a deadline, not asked any more, and soon again when it has thawed', async (t) => {
  let isFrozen = false
  const legacy = await startRaw(t, (received, socket) => {
    if (!isFrozen && received.endsWith('\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  })
  const proxy = await start(t, { url: legacy.url, ...MANY }, { standstillLimits: STANDSTILL, longestTryMs: 200 })
  // However many have been answered just before.
  for (let i = 0; i < 100; i += 1) assert.equal(codeOf(await proxy.ask(GET)), 'answered')
  isFrozen = true
  const startMs = performance.now()
  const texts = await Promise.all(Array.from({ length: 32 }, () => proxy.ask(GET)))
  const tookMs = performance.now() - startMs
  assert.ok(
    texts.every((text) => text.startsWith('HTTP/1.1 504 ') && codeOf(text) === 'legacy-timeout'),
    texts.join(),
  )
  assert.ok(tookMs >= STANDSTILL.afterMs && tookMs < 10 * STANDSTILL.afterMs, `${tookMs} ms`)
  assert.equal(codeOf(await proxy.ask(GET)), 'legacy-not-asked')
  await until('the questions to be ended', () => legacy.connections.every(({ socket }) => socket.destroyed))
  isFrozen = false
  const thawedMs = performance.now()
  while (codeOf(await proxy.ask(GET)) !== 'answered')
    assert.ok(performance.now() - thawedMs < LEGACY_CIRCUIT.openMs + 1_000)
  assert.deepEqual(proxy.states.slice(0, 2), ['closed', 'open'])
})

test('one that is slow, but alive, is waited for', async (t) => {
  const waiting: (() => void)[] = []
  const legacy = await startLegacy(t, ({ url }, response) => {
    if (url === '/quick') response.end('ok')
    else waiting.push(() => void response.end('ok'))
  })
  const proxy = await start(t, { url: legacy.url, ...MANY }, { standstillLimits: STANDSTILL })
  const slow = Array.from({ length: 32 }, () => proxy.ask(GET))
  await until('all of them', () => waiting.length === slow.length)
  const startMs = performance.now()
  while (performance.now() - startMs < 4 * STANDSTILL.afterMs) {
    assert.equal(codeOf(await proxy.ask(GET.replace('/', '/quick'))), 'answered')
    await new Promise((resolve) => setTimeout(resolve, STANDSTILL.afterMs / 5))
  }
  for (const answer of waiting) answer()
  assert.deepEqual(new Set((await Promise.all(slow)).map(codeOf)), new Set(['answered']))
  assert.deepEqual(proxy.states, ['closed'])
})

test('uploads that are on their way are not waited for', async (t) => {
  const legacy = await startRaw(t, (received, socket) => {
    if (received.endsWith('the end!!')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  })
  const proxy = await start(t, { url: legacy.url, ...MANY, silenceMs: 10_000 }, { standstillLimits: STANDSTILL })
  const uploads = await Promise.all(Array.from({ length: 32 }, proxy.talk))
  for (const { socket } of uploads) socket.write(POST)
  await until('all of them', () => legacy.connections.length === uploads.length)
  const startMs = performance.now()
  await until('some time to pass', () => performance.now() - startMs > 3 * STANDSTILL.afterMs)
  for (const { socket } of uploads) socket.write('the end!!')
  const codes = await Promise.all(uploads.map(async ({ closed }) => codeOf(await closed())))
  assert.deepEqual(new Set(codes), new Set(['answered']))
})

test('an operator may stop it, and have it asked whatever happens', async (t) => {
  const legacy = await startLegacy(t, (_request, response) => void response.end('ok'))
  const proxy = await start(t, { url: legacy.url })
  proxy.breaker.force('open')
  assert.equal(codeOf(await proxy.ask(GET)), 'legacy-not-asked')
  proxy.breaker.force(null)
  assert.equal(codeOf(await proxy.ask(GET)), 'answered')
})

test('an answer is had for a comparison: all of it, or none', async (t) => {
  const seen: string[] = []
  const legacy = await startLegacy(t, (request, response) => {
    seen.push(request.rawHeaders.filter((_, i) => i % 2 === 0).join(' '))
    if (request.url === '/never') return
    response.setHeader('X-Seen', 'yes')
    response.end(request.url === '/large' ? 'x'.repeat(2_000) : 'small')
  })
  const { legacy: application } = await start(t, { url: legacy.url })
  const rawHeaders = ['Host', 'a', 'If-None-Match', '"1"', 'Range', 'bytes=0-1', 'Cookie', 'a=1', 'Content-Length', '5']
  const ask = (path: string, signal = AbortSignal.timeout(5_000)) =>
    application?.ask({ path, rawHeaders, peer: { address: '127.0.0.1', isEncrypted: false } }, 1_000, signal)
  const copy = await ask('/small?a')
  assert.deepEqual([copy?.status, copy?.headers['x-seen'], copy?.body.toString()], [200, 'yes', 'small'])
  assert.match(seen[0] ?? '', /^Host Cookie X-Forwarded-For /)
  await assert.rejects(async () => ask('/large'), { name: 'NeighbourError', reason: 'wrong-answer' })
  await assert.rejects(async () => ask('no path'), { name: 'NeighbourError', reason: 'refused' })
  await assert.rejects(async () => ask('/never', AbortSignal.timeout(30)), {
    name: 'NeighbourError',
    reason: 'cancelled',
  })
})
