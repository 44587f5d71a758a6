import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
import { describe, test } from 'node:test'
import {
  callerWith,
  EMPLOYMENT,
  IGNORED,
  LATER_MS,
  LIMITS,
  NEVER_OPEN,
  openRig,
  outcome,
  times,
} from '../../../test/neighbours/rig.ts'
import { type Fault, UNRESOLVABLE_URL } from '../../../test/support/fault-kinds.ts'
import { startFaultServer } from '../../../test/support/fault-server.ts'
import { quiet, until } from '../../../test/support/service.ts'
import { guardedClient } from './guarded-client.ts'
import { describePeople } from './people-service.ts'

const COUNTED_OUT = { share: 0.1, calls: 10 }

describe('a guarded client', () => {
  test('answers what the neighbour has answered, and null for what it does not know', async (t) => {
    const { client } = await openRig(t)
    assert.deepEqual(await client.call('employment', 'E-1', callerWith()), EMPLOYMENT)
    assert.equal(await client.call('employment', 'E-2', callerWith()), null)
  })

  test('says who asks, for which request and trace, and how long it waits', async (t) => {
    const { client, server } = await openRig(t)
    const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' }
    await client.call('employment', 'E-1-x', callerWith({ requestId: 'r-77', trace, untilMs: performance.now() + 300 }))
    const [asked] = server.requests()
    assert.deepEqual([asked?.method, asked?.path], ['GET', '/api/employments/E-1-x'])
    const { headers } = asked ?? assert.fail()
    assert.deepEqual(
      [headers['x-request-id'], headers.traceparent, headers.tracestate, headers.accept],
      ['r-77', trace.traceparent, 'a=b', 'application/json'],
    )
    const leftMs = Number(headers['x-request-deadline'])
    assert.ok(leftMs > 200 && leftMs <= 300, String(leftMs))
  })

  test('tells the neighbour an attempt’s own time when the caller has more', async (t) => {
    const { ask, server } = await openRig(t)
    await ask()
    const leftMs = Number(server.requests()[0]?.headers['x-request-deadline'])
    assert.ok(leftMs > 900 && leftMs <= 1_000, String(leftMs))
  })

  const FAULTS: [name: string, fault: Fault, reason: string, attempts: number][] = [
    ['a reset before the headers', { kind: 'reset-before-headers' }, 'unreachable', 3],
    ['a reset after the headers', { kind: 'reset-after-headers' }, 'unreachable', 3],
    ['half a body', { kind: 'half-body' }, 'unreachable', 3],
    ['a connection refused', { kind: 'refused' }, 'unreachable', 0],
    ['a content type that is not JSON', { kind: 'wrong-content-type' }, 'wrong-answer', 1],
    ['JSON of another shape', { kind: 'wrong-schema' }, 'wrong-answer', 1],
    ['garbage', { kind: 'not-json' }, 'wrong-answer', 1],
    ['a hundred megabytes', { kind: 'huge' }, 'wrong-answer', 1],
    ['a hundred megabytes, said beforehand', { kind: 'huge', withLength: true }, 'wrong-answer', 1],
    ['503', { kind: 'status', status: 503 }, 'unavailable', 3],
    ['503 with Retry-After', { kind: 'status', status: 503, retryAfter: '0' }, 'unavailable', 3],
    ['503 with a Retry-After that is too long', { kind: 'status', status: 503, retryAfter: '60' }, 'unavailable', 1],
    ['429', { kind: 'status', status: 429 }, 'unavailable', 3],
    ['500', { kind: 'status', status: 500 }, 'unavailable', 1],
    ['401', { kind: 'status', status: 401 }, 'refused', 1],
    ['a redirection', { kind: 'status', status: 302 }, 'wrong-answer', 1],
    ['a blackhole', { kind: 'blackhole' }, 'timeout', 3],
    ['a slow drip', { kind: 'drip', everyMs: 20 }, 'timeout', 3],
  ]
  for (const [name, fault, reason, attempts] of FAULTS) {
    test(`${name} is ${reason}, after ${attempts} attempts`, async (t) => {
      // Only those who run out of time are given little of it: the others may be late by what else the machine does.
      const limits = { circuit: NEVER_OPEN, ...(reason === 'timeout' ? { attemptMs: 100 } : {}) }
      const { ask, server } = await openRig(t, { limits })
      // They pay for the further attempts.
      for (const _ of times(30, Number)) assert.equal(await ask(), 'answered')
      server.reset()
      await server.set(fault)
      const startedMs = performance.now()
      assert.equal(await ask(), reason)
      assert.equal(server.arrived(), attempts)
      assert.ok(performance.now() - startedMs < 1_000)
      assert.ok(server.sentBytes() < 10_000_000)
      await until('nothing is under way', async () => server.unanswered() === 0)
      await server.set(null)
      assert.equal(await ask(), 'answered')
    })
  }

  test('what is not HTTP is a wrong answer, and said to be so, without its content', async (t) => {
    const server = createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-secret\r\n'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const said: object[] = []
    const log = { ...quiet, warn: (fields: object) => void said.push(fields) } as typeof quiet
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const client = guardedClient(describePeople(url, LIMITS), { log, observer: IGNORED })
    t.after(client.close)
    assert.equal(await outcome(client, 'E-1'), 'wrong-answer')
    assert.deepEqual(said, [{ neighbour: 'people-service', what: 'it is not HTTP', more: 0 }])
  })

  test('an answer to another question is a wrong answer, and its connection is not used again', async (t) => {
    const server = await startFaultServer(({ path }) => ({
      status: 200,
      body: { ...EMPLOYMENT, employeeNumber: path.endsWith('/E-1') ? 'E-2' : (path.split('/').at(-1) ?? '') },
    }))
    t.after(server.close)
    const client = guardedClient(describePeople(server.url, LIMITS), { log: quiet, observer: IGNORED })
    t.after(client.close)
    for (const _ of times(3, Number)) assert.equal(await outcome(client, 'E-3'), 'answered')
    const before = server.connections()
    assert.equal(await outcome(client, 'E-1'), 'wrong-answer')
    assert.equal(server.connections(), before)
    assert.equal(await outcome(client, 'E-3'), 'answered')
    assert.equal(server.connections(), before + 1)
  })

  test('a 404 that is not the service’s own is a wrong answer', async (t) => {
    const { ask, client, server } = await openRig(t)
    await server.set({ kind: 'status', status: 404 })
    for (const _ of times(5, Number)) assert.equal(await ask(), 'wrong-answer')
    assert.equal(client.report().state, 'open')
  })

  test('a name that is unknown is unreachable', async (t) => {
    const client = guardedClient(describePeople(UNRESOLVABLE_URL, LIMITS), { log: quiet, observer: IGNORED })
    t.after(client.close)
    assert.equal(await outcome(client, 'E-1'), 'unreachable')
  })

  test('nobody is asked where nobody has said where the service is', async (t) => {
    const client = guardedClient(describePeople(null, LIMITS), { log: quiet, observer: IGNORED })
    t.after(client.close)
    assert.equal(await outcome(client, 'E-1'), 'not-configured')
    assert.equal(client.report().state, 'closed')
  })

  test('what fails now and then is mended by another attempt', async (t) => {
    const { ask, server } = await openRig(t, { limits: { circuit: NEVER_OPEN, budget: { share: 1, calls: 100 } } })
    // Answers, of which a share is saved.
    for (const _ of times(20, Number)) await ask()
    await server.set({ kind: 'sometimes', share: 0.2, fault: { kind: 'status', status: 503 }, seed: 7 })
    const outcomes = await Promise.all(times(50, () => ask()))
    assert.ok(outcomes.filter((outcome) => outcome === 'answered').length >= 48, String(outcomes))
  })

  test('what waits for a place is not asked when it leaves, and one too many is refused', async (t) => {
    const { ask, server } = await openRig(t, { limits: { concurrent: 1, waiting: 1 } })
    await server.set({ kind: 'blackhole' })
    const left = [new AbortController(), new AbortController()]
    const [running, waiting] = left.map(({ signal }) => ask({ signal }))
    await until('it is asked', async () => server.arrived() === 1)
    assert.equal(await ask(), 'overloaded')
    left[1]?.abort()
    assert.equal(await waiting, 'cancelled')
    left[0]?.abort()
    assert.equal(await running, 'cancelled')
    await until('the call has stopped', async () => server.unanswered() === 0)
    assert.equal(server.arrived(), 1)
  })

  test('a call ends with the caller’s time, wherever it is', async (t) => {
    const { ask, server } = await openRig(t, { limits: { concurrent: 1 } })
    await server.set({ kind: 'blackhole' })
    const startedMs = performance.now()
    const soon = () => ask({ untilMs: startedMs + 60 })
    assert.deepEqual(await Promise.all([soon(), soon(), soon()]), ['timeout', 'timeout', 'timeout'])
    assert.ok(performance.now() - startedMs < 500)
    assert.equal(await ask({ untilMs: performance.now() }), 'timeout')
  })

  test('callers without time, or who leave at once, do not make the neighbour ill', async (t) => {
    const { ask, client, server } = await openRig(t)
    await server.set({ kind: 'latency', ms: () => 100 })
    for (const _ of times(20, Number)) assert.equal(await ask({ untilMs: performance.now() + 3 }), 'timeout')
    const left = new AbortController()
    const leaving = times(10, () => ask({ signal: left.signal }))
    left.abort()
    await Promise.all(leaving)
    assert.equal(client.report().state, 'closed')
  })

  test('nor do they when the neighbour says that it could not be so quick', async (t) => {
    const { ask, client, server } = await openRig(t)
    await server.set({ kind: 'status', status: 503 })
    for (const _ of times(20, Number)) {
      const soon = callerWith({ untilMs: performance.now() + 200 })
      await assert.rejects(client.call('employment', 'E-1', soon), { reason: 'unavailable', isHurried: true })
    }
    assert.equal(client.report().state, 'closed')
    for (const _ of times(5, Number)) await ask()
    assert.equal(client.report().state, 'open')
  })

  test('nor do they keep it ill: the call that tries goes on without them', async (t) => {
    const limits = { circuit: { leastCalls: 5, illPercent: 50, windowMs: LATER_MS, openMs: 50 } }
    const { ask, client, server } = await openRig(t, { limits })
    await server.set({ kind: 'status', status: 500 })
    for (const _ of times(5, Number)) await ask()
    await server.set({ kind: 'latency', ms: () => 40 })
    server.reset()
    // On a busy machine the time is over before the neighbour is asked: that is no try.
    const tries = async () => (await ask({ untilMs: performance.now() + 10 })) === 'timeout' && server.arrived() > 0
    await until('one tries', tries)
    await until('it is well', async () => client.report().state === 'closed')
    await server.set({ kind: 'status', status: 500 })
    for (const _ of times(5, Number)) await ask()
    await server.set({ kind: 'latency', ms: () => 40 })
    server.reset()
    await until('one tries and leaves', async () => {
      const left = new AbortController()
      const asked = ask({ signal: left.signal })
      await new Promise(setImmediate)
      if (server.arrived() > 0) left.abort()
      return (await asked) === 'cancelled' || client.report().state === 'closed'
    })
    await until('it is well again', async () => client.report().state === 'closed')
  })

  test('a standstill of this process is no fault of the neighbour’s', async (t) => {
    const { ask, client, server } = await openRig(t, { limits: { attemptMs: 100, attempts: 1 } })
    await server.set({ kind: 'blackhole' })
    const asked = times(10, () => ask())
    await until('they are asked', async () => server.arrived() === 10)
    setImmediate(() => {
      for (const untilMs = performance.now() + 200; performance.now() < untilMs; );
    })
    assert.deepEqual(new Set(await Promise.all(asked)), new Set(['timeout']))
    assert.equal(client.report().state, 'closed')
  })

  test('callers who leave after a long wait do', async (t) => {
    const { ask, client, server } = await openRig(t, { limits: { attemptMs: 300 } })
    await server.set({ kind: 'blackhole' })
    await Promise.all(times(10, () => ask({ untilMs: performance.now() + 200 })))
    assert.equal(client.report().state, 'open')
  })

  test('who is ill is not asked, until one call has shown that it is well again', async (t) => {
    const limits = { circuit: { leastCalls: 5, illPercent: 50, windowMs: LATER_MS, openMs: 100 } }
    const changes: string[] = []
    const { ask, client, server } = await openRig(t, {
      limits,
      observer: { changed: (_neighbour, state) => changes.push(state) },
    })
    await server.set({ kind: 'status', status: 500 })
    for (const _ of times(5, Number)) assert.equal(await ask(), 'unavailable')
    assert.equal(await ask(), 'circuit-open')
    await server.set(null)
    await until('it is asked again', async () => (await ask()) === 'answered')
    assert.equal(client.report().state, 'closed')
    assert.deepEqual(changes, ['closed', 'open', 'half-open', 'closed'])
  })

  test('says once that it changes, however often it tries in vain, and what was wrong without its content', async (t) => {
    const lines: [level: string, fields: object, message: string][] = []
    const to = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message])
    const log = { debug: to('debug'), info: to('info'), warn: to('warn'), error: to('error') }
    const limits = { circuit: { leastCalls: 5, illPercent: 50, windowMs: LATER_MS, openMs: 20 } }
    const { ask, server } = await openRig(t, { limits, log })
    await server.set({ kind: 'wrong-schema', body: { employeeNumber: 'secret-1', department: 7 } })
    for (const _ of times(5, Number)) await ask()
    server.reset()
    await until('it has tried thrice', async () => (await ask()) && server.arrived() >= 3)
    await server.set(null)
    await until('it is asked again', async () => (await ask()) === 'answered')
    const changes = lines.filter(([, , message]) => message.startsWith('a neighbour is'))
    assert.deepEqual(
      changes.map(([level, , message]) => [level, message]),
      [
        ['warn', 'a neighbour is not asked any more'],
        ['info', 'a neighbour is asked again'],
      ],
    )
    const text = JSON.stringify(lines)
    assert.match(text, /not as agreed: \/department invalid_type/)
    assert.doesNotMatch(text, /secret/)
  })

  test('calls under way end with it, and it leaves nothing behind', async (t) => {
    const { ask, client, server } = await openRig(t)
    await ask()
    await server.set({ kind: 'blackhole' })
    const asked = times(3, () => ask())
    await until('they are asked', async () => server.arrived() === 4)
    await client.close()
    assert.deepEqual(await Promise.all(asked), ['cancelled', 'cancelled', 'cancelled'])
    await until('no call is there', async () => server.unanswered() === 0)
    assert.equal(await ask(), 'cancelled')
  })

  test('counts calls by their outcome, and the requests that were sent', async (t) => {
    const ended: string[] = []
    let attempts = 0
    const { ask, server } = await openRig(t, {
      limits: { budget: COUNTED_OUT },
      observer: {
        ended: (neighbour, outcome, ms) => ended.push(`${neighbour} ${outcome} ${ms >= 0}`),
        attempted: () => {
          attempts += 1
        },
      },
    })
    for (const _ of times(10, Number)) await ask()
    await server.set({ kind: 'status', status: 503 })
    await ask()
    assert.deepEqual(ended.slice(9), ['people-service answered true', 'people-service unavailable true'])
    assert.deepEqual([attempts, server.arrived()], [12, 12])
  })
})
