import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { json } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { many } from '../../../test/support/users.ts'
import { MAX_BRANCHES_A_CALL } from '../../ports/neighbours.ts'
import { describeBranches } from './branches-service.ts'
import type { ServiceLimits } from './guarded-client.ts'
import { madeUpBranch } from './made-up-branches.ts'
import { startMadeUpNeighbours } from './made-up-neighbours.ts'
import { madeUpEmployment } from './made-up-people.ts'
import { describePeople } from './people-service.ts'

const TEST_LIMIT_MS = 10_000
const TODAY = new Date('2026-05-20T12:00:00Z')
/** What our own client asks for, and takes for an answer. */
const { branches } = describeBranches(null, {} as ServiceLimits).calls
const { employment } = describePeople(null, {} as ServiceLimits).calls

async function started(t: TestContext) {
  const neighbours = await startMadeUpNeighbours({ now: () => TODAY })
  t.after(neighbours.close)
  return neighbours
}

async function ask(url: string, method = 'GET') {
  const [response] = (await once(request(url, { method, agent: false }).end(), 'response')) as [IncomingMessage]
  assert.equal(response.headers['content-type'], 'application/json')
  return { status: response.statusCode, body: method === 'HEAD' ? null : await json(response) }
}

test('branches come in the order asked for, without unknown ones', { timeout: TEST_LIMIT_MS }, async (t) => {
  const { url } = await started(t)
  const { status, body } = await ask(url + branches.path(['B014', 'X-1', 'B001', 'B000']))
  assert.equal(status, 200)
  assert.deepEqual(body, { branches: [madeUpBranch('B014'), madeUpBranch('B001')] })
  assert.deepEqual(branches.answer.parse(body), body)
  assert.deepEqual((await ask(`${url}/branches?ids=X-1`)).body, { branches: [] })
})

test('a hundred of them are answered, one more is refused, and so is none', { timeout: TEST_LIMIT_MS }, async (t) => {
  const { url } = await started(t)
  const ids = many(MAX_BRANCHES_A_CALL, (n) => `B${n + 101}`)
  const { status, body } = await ask(url + branches.path(ids))
  assert.equal(status, 200)
  assert.deepEqual(
    branches.answer.parse(body).branches.map(({ branchId }) => branchId),
    ids,
  )
  for (const path of [branches.path([...ids, 'B001']), branches.path([]), '/branches', '/branches?id=B001']) {
    const refused = await ask(url + path)
    assert.equal(refused.status, 400, path)
    assert.deepEqual(refused.body, { error: 'ids: 1 to 100, separated by commas' })
  }
})

test('somebody’s employment is there; that of nobody is not', { timeout: TEST_LIMIT_MS }, async (t) => {
  const { url } = await started(t)
  for (const number of many(50, (n) => `E-${String(n + 1).padStart(7, '0')}`)) {
    const { status, body } = await ask(url + employment.path(number))
    assert.equal(status, 200)
    assert.deepEqual(body, madeUpEmployment(number, TODAY))
    assert.deepEqual(employment.answer.parse(body), body)
  }
  for (const number of ['E-1', 'x', 'ä/ö', 'E-0000001/x', '%']) {
    const { status, body } = await ask(url + employment.path(number))
    assert.deepEqual([status, body], [404, { code: 'employment-not-found' }], number)
  }
})

test('there is nothing else', { timeout: TEST_LIMIT_MS }, async (t) => {
  const { url } = await started(t)
  for (const path of [
    '/',
    '/branches/',
    '/branches/B001',
    '/employments',
    '/employments/',
    '/x',
    '//',
    '/employments/%',
  ]) {
    assert.equal((await ask(url + path)).status, 404, path)
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD']) {
    assert.equal((await ask(`${url}/branches?ids=B001`, method)).status, 404, method)
  }
})

test('it ends whatever is open, and lets go of its port', { timeout: TEST_LIMIT_MS }, async (t) => {
  const neighbours = await started(t)
  const port = Number(new URL(neighbours.url).port)
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const [response] = await once(get(`${neighbours.url}/x`, { agent }), 'response')
  await json(response)
  const halfAsked = connect(port, '127.0.0.1').on('error', () => undefined)
  t.after(() => halfAsked.destroy())
  // When the first request is answered, half of the second has arrived as well.
  halfAsked.write('GET /x HTTP/1.1\r\nHost: neighbour\r\n\r\nGET /branches')
  await once(halfAsked, 'data')

  await Promise.all([neighbours.close(), neighbours.close()])
  await neighbours.close()
  const again = await startMadeUpNeighbours({ port })
  t.after(again.close)
  assert.equal(again.url, neighbours.url)
  await assert.rejects(startMadeUpNeighbours({ port }), { code: 'EADDRINUSE' })
})
