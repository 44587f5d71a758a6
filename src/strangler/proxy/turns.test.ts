import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { isWaiting, MAX_WAITING, turnOf } from './turns.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Requests on one connection, answered when the test says so. */
function start() {
  const socket = new Socket()
  const begun: string[] = []
  const answers = new Map<string, ServerResponse>()
  const send = (name: string, method: string) => {
    const request = new IncomingMessage(socket)
    request.method = method
    const response = new ServerResponse(request)
    answers.set(name, response)
    const turn = turnOf(socket, response)
    if (turn === null) begun.push(name)
    else if (turn !== false) void turn.then(() => begun.push(name))
    return turn
  }
  const answer = async (...names: string[]) => {
    for (const name of names) answers.get(name)?.destroy()
    await settled()
  }
  return { send, answer, begun, socket }
}

test('nothing overtakes what came before it on the same connection', async () => {
  const { send, answer, begun, socket } = start()
  assert.equal(isWaiting(socket), false)
  for (const name of ['read', 'write', 'read again']) send(name, 'GET')
  await settled()
  assert.deepEqual(begun, ['read'])
  assert.equal(isWaiting(socket), true)
  await answer('read')
  assert.deepEqual(begun.slice(1), ['write'])
  await answer('write')
  assert.deepEqual(begun.slice(2), ['read again'])
  await answer('read again')
  assert.equal(isWaiting(socket), false)
})

test('one after the other’s answer, nobody waits', async () => {
  const { send, answer, begun } = start()
  for (const name of ['a', 'b', 'c']) {
    assert.equal(send(name, 'POST'), null)
    await answer(name)
  }
  assert.deepEqual(begun, ['a', 'b', 'c'])
})

test('a client that has more than so many wait is refused', async () => {
  const { send, answer } = start()
  send('first', 'POST')
  for (let i = 1; i <= MAX_WAITING; i += 1) assert.notEqual(send(String(i), 'POST'), false)
  assert.equal(send('one more', 'POST'), false)
  await answer('first')
  assert.notEqual(send('another', 'POST'), false)
})

test('connections do not wait for each other', () => {
  const [one, other] = [start(), start()]
  one.send('a', 'POST')
  other.send('b', 'POST')
  assert.deepEqual([one.begun, other.begun], [['a'], ['b']])
})
