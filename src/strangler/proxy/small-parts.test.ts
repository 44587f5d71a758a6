import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Duplex, PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import { NeighbourError } from '../../ports/neighbours.ts'
import { Refusal } from '../../wire/problem.ts'
import { ClientSilent, type Question } from './attempt.ts'
import { exchange } from './exchange.ts'
import { whenGone } from './gone.ts'
import { join } from './join.ts'
import { reasonOf } from './parts.ts'
import { peerOf } from './peer.ts'
import { pump } from './pump.ts'
import { keepDispositionBytes, valuesOf } from './raw-headers.ts'
import { problem, refusalOf, refuse } from './refusals.ts'
import { requestIdOf } from './request-id.ts'
import { watch } from './watch.ts'
import { showing, withholding } from './withheld.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))
const silent = () => new Duplex({ read: () => undefined, write: (_part, _encoding, written) => written() })

test('a client that has gone already is told of as well, and not in the midst of whoever asks', async () => {
  const socket = new Socket()
  socket.destroy()
  let isGone = false
  const stay = whenGone(socket, () => {
    isGone = true
  })
  assert.equal(isGone, false)
  await turn()
  assert.equal(isGone, true)
  stay()
})

test('all who wait on a connection are told once that it is gone, but for those who wait no more', async () => {
  const socket = new Socket()
  const told: string[] = []
  whenGone(socket, () => told.push('a'))
  const stay = whenGone(socket, () => told.push('b'))
  whenGone(socket, () => told.push('c'))
  stay()
  socket.destroy()
  await turn()
  assert.deepEqual(told, ['a', 'c'])
})

for (const who of ['client', 'legacy'] as const) {
  test(`when one side (${who}) is gone before they are joined, the other is ended, and nothing waits`, () => {
    const sides = { client: silent(), legacy: silent() }
    const clock = watch()
    clock.phase(60_000, () => assert.fail('nobody waits'))
    sides[who].destroy()
    join({ ...sides, clock, silenceMs: 60_000, first: Buffer.alloc(0), answered: Buffer.alloc(0) })
    assert.deepEqual([sides.client.destroyed, sides.legacy.destroyed], [true, true])
  })
}

test('room that nobody waited for does not set a body going', async () => {
  const from = new Readable({ read: () => undefined })
  const to = new PassThrough()
  const moved: (string | null)[] = []
  const one = pump({ from, to, moved: (bytes) => moved.push(bytes && String(bytes)), ended: () => undefined })
  from.pause()
  to.emit('drain')
  assert.deepEqual([moved, from.isPaused(), one.isHeldUp()], [[], true, false])
  one.stop()
})

test('of a connection that has ended nobody knows whose it was', () => {
  const { address } = peerOf({ socket: new Socket() } as Pick<IncomingMessage, 'socket'>)
  assert.equal(address, 'unknown')
})

test('a request’s id is the client’s own when it is sane, and else a new one each time', () => {
  assert.equal(requestIdOf(['X-Request-Id', 'till-7.1']), 'till-7.1')
  const odd = [[], ['X-Request-Id', ''], ['X-Request-Id', 'a b'], ['X-Request-Id', 'a', 'x-request-id', 'b']]
  const ids = odd.concat([['X-Request-Id', 'x'.repeat(65)]]).map(requestIdOf)
  assert.ok(ids.every((id) => /^[0-9a-f-]{36}$/.test(id)))
  assert.equal(new Set(ids).size, ids.length)
})

test('all lines of a name are one value, whatever their case', () => {
  assert.equal(valuesOf(['Via', '1.0 a', 'Vía', 'x', 'VIA', '1.1 b', 'Vie', 'x'], 'via'), '1.0 a, 1.1 b')
  assert.equal(valuesOf(['Via', ''], 'host'), '')
})

test('a disposition beyond ASCII goes before the length, and no other line moves', () => {
  const [length, date] = [
    ['Content-Length', '2'],
    ['Date', 'x'],
  ]
  const named = (bytes: string) => ['Content-Disposition', `attachment; filename=${bytes}`]
  const odd = named('\xe9')
  assert.deepEqual(keepDispositionBytes([...length, ...date, ...odd].slice()), [...odd, ...length, ...date])
  // As long a name, and another one; one that is plain; one that stands before the length already; and none at all.
  for (const lines of [
    [...length, 'Content-Dispositiox', '\xe9'],
    [...length, ...named('plain')],
    [...odd, ...length],
    [...date],
  ])
    assert.deepEqual(keepDispositionBytes(lines.slice()), lines)
  assert.deepEqual(keepDispositionBytes([...length, ...odd, ...odd]), [...odd, ...odd, ...length])
})

test('what failed as nobody foresaw is told as out of reach, and says nothing of itself', () => {
  const odd = new TypeError('secret of somebody')
  assert.equal(reasonOf(odd), 'unreachable')
  const { status, code, message } = refusalOf(odd)
  assert.deepEqual([status, code], [502, 'legacy-unreachable'])
  assert.ok(!message.includes('secret'))
  assert.equal(refusalOf(new NeighbourError('legacy', 'timeout')).status, 504)
})

test('whoever kept us waiting is told so, also where the guard has wrapped it', () => {
  const wrapped = new NeighbourError('legacy', 'cancelled', { cause: new ClientSilent() })
  for (const error of [new ClientSilent(), wrapped]) assert.equal(refusalOf(error).status, 408)
})

test('a refusal of a status that Node has no name for is one all the same', () => {
  const { title, headers } = problem(new Refusal(499, 'odd', 'It is odd.'), 'r1', true)
  assert.equal(title, 'Error')
  assert.deepEqual(headers.slice(-2), ['Connection', 'close'])
})

/** What becomes of a client that is refused, in this state. */
function refusing({ writable = true, headersSent = false }) {
  const done: string[] = []
  const response = {
    headersSent,
    destroy: () => done.push('destroyed'),
    writeHead: (status: number) => done.push(String(status)),
    write: () => done.push('body'),
    end: () => done.push('end'),
  } as unknown as ServerResponse
  const request = { socket: { writable }, complete: true, method: 'GET' } as IncomingMessage
  refuse({ request, response, requestId: 'r1', isLast: () => false }, new Refusal(502, 'odd', 'It is odd.'), false)
  return done
}

test('a refusal is an answer only where there is none yet: what has begun is broken off, never added to', () => {
  assert.deepEqual(refusing({}), ['502', 'body', 'end'])
  assert.deepEqual(refusing({ headersSent: true }), ['destroyed'])
  assert.deepEqual(refusing({ writable: false }), [])
})

test('a request that cannot even be begun is out of reach, with what was thrown, and leaves no clock running', async () => {
  const odd = new TypeError('Invalid character in header content')
  const question = {
    ...{ body: null, head: { method: 'GET', path: '/', headers: [], hasBody: false, mayContinue: false } },
    upstream: {
      open: () => {
        throw odd
      },
    },
  } as unknown as Question
  const one = exchange(question)
  assert.equal(one.isSent(), false)
  await assert.rejects(one.answer(), { name: 'NeighbourError', reason: 'unreachable', cause: odd })
})

test('whom a proxy of ours names is believed of that proxy only', () => {
  const identity = { header: 'x-client-cert', isFrom: (address: string) => address === '10.0.0.9' }
  const tokens = { issuer: 'https://issuer.example', audience: 'users-service' }
  const withheld = withholding({ identity, tokens })
  const peer = (address: string) => ({ address, isEncrypted: false })
  assert.equal(withheld('x-client-cert', 'till', peer('10.0.0.8')), true)
  assert.equal(withheld('x-client-cert', 'till', peer('10.0.0.9')), false)
  assert.equal(withheld('x-other', 'till', peer('10.0.0.8')), false)
  const shows = (remoteAddress: string, headers: Record<string, string>, known: typeof identity | null = identity) =>
    showing({ identity: known, tokens })({ headers, socket: { remoteAddress } as Socket })
  assert.equal(shows('10.0.0.9', { 'x-client-cert': 'till' }), true)
  assert.equal(shows('10.0.0.8', { 'x-client-cert': 'till' }), false)
  assert.equal(shows('10.0.0.9', { 'x-other': 'till' }), false)
  assert.equal(shows('10.0.0.9', { 'x-client-cert': 'till' }, null), false)
  // Who shows a token as well is known by that.
  assert.equal(shows('10.0.0.9', { 'x-client-cert': 'till', authorization: 'Basic x' }), false)
})
