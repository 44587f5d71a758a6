import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { until } from '../../test/support/service.ts'
import { monotonicMs } from '../clock.ts'
import { get } from '../load/connection.ts'
import type { OpenLoad } from './open-load.ts'
import { startOpenThread } from './open-thread.ts'

const RATE = 200
const EVERY_MS = 1_000 / RATE

async function serving(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  return (server.address() as AddressInfo).port
}

function begin(t: TestContext, given: Partial<OpenLoad> & { port: number }) {
  const thread = startOpenThread()
  t.after(thread.stop)
  const questions = Array.from({ length: 10 }, (_, i) => ({
    request: get(`/${i}`),
    status: 200,
    from: null,
    body: String(i),
    whole: true,
  }))
  return thread.begin({ connections: 8, ratePerSecond: RATE, questions, first: 0, judge: 'question', ...given })
}
const echo: RequestListener = ({ url = '' }, response) => {
  response.setHeader('content-length', url.length - 1).end(url.slice(1))
}

test('requests are due at a constant rate, in turn, from where the load before had ended', async (t) => {
  const asked: string[] = []
  const port = await serving(t, (request, response) => {
    asked.push(request.url ?? '')
    echo(request, response)
  })
  const beganAtMs = monotonicMs()
  const end = begin(t, { port, first: 7 })
  await until('some have been asked', async () => asked.length >= 25)
  const { samples, next, complaints } = await end()
  assert.deepEqual(complaints, [])
  assert.deepEqual(asked.slice(0, 5), ['/7', '/8', '/9', '/0', '/1'])
  assert.deepEqual([next, samples.length], [7 + asked.length, asked.length])
  const due = samples.map(({ dueAtMs }) => dueAtMs).sort((one, other) => one - other)
  assert.ok((due[0] ?? 0) >= beganAtMs)
  for (const [i, at] of due.entries()) assert.ok(Math.abs(at - (due[0] ?? 0) - i * EVERY_MS) < 0.001)
  assert.ok(samples.every(({ verdict, status }) => verdict === 'whole' && status === 200))
})

test('while nobody is answered the time of those that wait goes on: nothing is left out', async (t) => {
  const HELD_MS = 100
  let heldUntil = 0
  let answers = 0
  const port = await serving(t, (request, response) => {
    heldUntil ||= performance.now() + HELD_MS
    setTimeout(
      () => {
        answers += 1
        echo(request, response)
      },
      Math.max(0, heldUntil - performance.now()),
    )
  })
  const end = begin(t, { port, connections: 2 })
  await until('it answers again', async () => answers >= 30)
  const { samples } = await end()
  const slow = samples.filter(({ tookMs }) => tookMs > HELD_MS / 2)
  // All that were due in the first half of the time, not only the two that were on their way.
  assert.ok(slow.length >= HELD_MS / 2 / EVERY_MS - 2, `${slow.length}`)
  assert.ok(
    slow.some(({ lateMs }) => lateMs > HELD_MS / 4),
    'for want of a connection',
  )
})

test('a wrong answer, a broken connection and nobody to connect to are errors, and the load goes on', async (t) => {
  let answers = 0
  const port = await serving(t, (request, response) => {
    if (request.url === '/3') request.socket.destroy()
    else if (request.url === '/5') response.setHeader('content-length', 1).end('x')
    else {
      answers += 1
      echo(request, response)
    }
  })
  const end = begin(t, { port, connections: 2 })
  await until('it has gone round', async () => answers >= 20)
  const { samples, complaints } = await end()
  const errors = samples.filter(({ verdict }) => verdict === 'error').map(({ status }) => status)
  assert.ok(errors.filter((status) => status === 0).length >= 2, 'no answer')
  assert.ok(errors.filter((status) => status === 200).length >= 2, 'another body')
  assert.ok(complaints.length > 0)
})
