import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { learnHot } from '../people.ts'
import { tagStart } from './contestants.ts'
import { learnSame } from './same.ts'

const PEOPLE = [1, 2, 3].map((userId) => ({ userId, username: `zoë.${userId}`, branchId: 'B001' }))
const TAG = (userId: string) => `"e1.1.u.${userId}"`

type Answer = { status: number; headers: OutgoingHttpHeaders; body: string }
/** What the service answers, as far as this is about. */
function rightAnswer({ url = '', headers }: IncomingMessage): Answer {
  const userId = url.split('/').at(-1) ?? ''
  const requestId = String(headers['x-request-id'] ?? 'r1')
  const common = { 'x-request-id': requestId, 'read-from': 'redis', 'cache-control': 'private, no-cache' }
  if (userId.length > 1) {
    const body = JSON.stringify({ code: 'user-not-found', requestId })
    return { status: 404, headers: { 'x-request-id': requestId, 'content-type': 'application/problem+json' }, body }
  }
  const found = { ...common, etag: TAG(userId), 'content-type': 'application/json; charset=utf-8' }
  if (headers['if-none-match']?.includes(TAG(userId))) return { status: 304, headers: found, body: '' }
  return { status: 200, headers: found, body: JSON.stringify({ userId: Number(userId), username: `zoë.${userId}` }) }
}

async function serving(t: TestContext, change: (answer: Answer, request: IncomingMessage) => Answer = (same) => same) {
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const { status, headers, body } = change(rightAnswer(request), request)
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
  }
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  return (server.address() as AddressInfo).port
}

test('the same JSON in other bytes is the same, and the load then expects those bytes', async (t) => {
  const ours = await learnHot({ port: await serving(t) }, PEOPLE)
  const spaced = await serving(t, (answer) => ({ ...answer, body: answer.body.replaceAll(',', ', ') }))
  const questions = await learnSame({ port: spaced }, ours, 'cache')
  assert.deepEqual(
    questions.map(({ body }) => Buffer.from(body, 'latin1').toString()),
    PEOPLE.map(({ userId, username }) => `{"userId":${userId}, "username":"${username}"}`),
  )
  assert.ok(questions.every(({ status, from, whole }) => status === 200 && from === 'cache' && whole))
})

test('whoever answers something else, or less, is refused', async (t) => {
  const ours = await learnHot({ port: await serving(t) }, PEOPLE)
  const without = (name: string, { headers, ...rest }: Answer): Answer => {
    return { ...rest, headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)) }
  }
  const table: [what: RegExp, change: (answer: Answer, request: IncomingMessage) => Answer][] = [
    [/deep-equal/, (answer) => ({ ...answer, body: answer.body.replace('zoë.3', 'zoe.3') })],
    [/etag is "e1\.1\.u\.9"/, (answer) => ({ ...answer, headers: { ...answer.headers, etag: TAG('9') } })],
    [/content-type is/, (answer) => ({ ...answer, headers: { ...answer.headers, 'content-type': 'text/plain' } })],
    [/cache-control is/, (answer) => without('cache-control', answer)],
    [/there is no x-request-id/, (answer) => without('x-request-id', answer)],
    [/there is no read-from/, (answer) => without('read-from', answer)],
    [/If-None-Match: 200/, (answer) => (answer.status === 304 ? { ...answer, status: 200, body: '{}' } : answer)],
    [/deep-equal/, (answer) => (answer.status === 404 ? { ...answer, body: '{}' } : answer)],
    [/deep-equal/, (answer) => (answer.status === 404 ? { ...answer, status: 200 } : answer)],
  ]
  for (const [what, change] of table) {
    await assert.rejects(learnSame({ port: await serving(t, change) }, ours, 'cache'), what)
  }
})

test('a tag’s start is all but the version', async (t) => {
  const ours = await learnHot({ port: await serving(t) }, PEOPLE)
  assert.equal(tagStart(ours), 'e1.1.u.')
  assert.throws(() => tagStart([]))
})
