import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { interimAnswers } from './interim.ts'
import { MAX_INTERIM } from './limits.ts'

function start(isWaiting = false) {
  const socket = { writableNeedDrain: false }
  const passed: (number | 'continue')[] = []
  const response = {
    ...{ headersSent: false, writableNeedDrain: false },
    writeContinue: () => void passed.push('continue'),
    writeInformation: (status: number) => void passed.push(status),
  }
  const interim = interimAnswers(
    { socket } as unknown as IncomingMessage,
    response as unknown as ServerResponse,
    isWaiting,
  )
  return { ...interim, socket, response, passed, hint: () => interim.information({ statusCode: 103, rawHeaders: [] }) }
}

test('of a flood of interim answers the first are passed on', () => {
  const { hint, passed } = start()
  for (let i = 0; i < 10 * MAX_INTERIM; i += 1) hint()
  assert.equal(passed.length, MAX_INTERIM)
})

test('none is passed on that the client does not take now, nor after the answer has begun', () => {
  const { hint, passed, socket, response } = start()
  socket.writableNeedDrain = true
  hint()
  socket.writableNeedDrain = false
  response.headersSent = true
  hint()
  assert.deepEqual(passed, [])
  response.headersSent = false
  hint()
  assert.deepEqual(passed, [103])
})

test('to go on is told once, to whoever waits for it, and 100 is nothing else', () => {
  const waiting = start(true)
  waiting.continue()
  waiting.continue()
  waiting.information({ statusCode: 100, rawHeaders: [] })
  assert.deepEqual([waiting.passed, waiting.isWaiting()], [['continue'], false])
  const gone = start(true)
  gone.hasGoneOn()
  gone.continue()
  start().continue()
  assert.deepEqual(gone.passed, [])
})
