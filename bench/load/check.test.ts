import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, answerReader } from './answer.ts'
import { faultOf, sourceOf } from './check.ts'
import type { Question } from './load.ts'

const QUESTION: Question = {
  request: 'GET /v1/users/7 HTTP/1.1\r\nhost: x\r\n\r\n',
  status: 200,
  from: 'cache',
  body: '{"userId":7,"username":"ann.lee"}',
  whole: true,
}

function answer(body: string, source: string | null = 'read-from: redis', status = 200): Answer {
  let read: Answer | null = null
  const lines = [`HTTP/1.1 ${status} X`, `content-length: ${body.length}`, ...(source === null ? [] : [source])]
  answerReader((whole) => {
    read = whole
  })(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1'))
  assert.ok(read)
  return read
}

const judged = (question: Partial<Question>, given: Answer) =>
  faultOf({ ...QUESTION, ...question }, given, sourceOf(given))

test('the right answer has no fault', () => {
  assert.equal(judged({}, answer(QUESTION.body)), null)
  assert.equal(judged({}, answer(QUESTION.body, 'read-from: near')), null)
  assert.equal(judged({ from: 'database' }, answer(QUESTION.body, 'read-from: database')), null)
  assert.equal(judged({ from: null }, answer(QUESTION.body, null)), null)
  assert.equal(judged({ whole: false, body: '{"userId":7,' }, answer(QUESTION.body)), null)
})

test('another person, another name, another status, another source: each is a fault, and said', () => {
  const table: [question: Partial<Question>, given: Answer, expected: RegExp][] = [
    [{}, answer('{"userId":8,"username":"ann.lee"}'), /another body/],
    [{}, answer('{"userId":7,"username":"ann.le3"}'), /another body/],
    [{}, answer(`${QUESTION.body} `), /another body/],
    [{ whole: false, body: '{"userId":7,' }, answer('{"userId":77,"username":"x"}'), /another body/],
    [{}, answer(QUESTION.body, 'read-from: redis', 404), /404 instead of 200/],
    [{}, answer(QUESTION.body, 'read-from: database'), /read from database/],
    [{ from: 'database' }, answer(QUESTION.body), /read from redis/],
    [{ from: 'database' }, answer(QUESTION.body, null), /read from -/],
  ]
  for (const [question, given, expected] of table) {
    const fault = judged(question, given)
    assert.match(fault ?? 'no fault', expected)
    assert.match(fault ?? '', /^GET \/v1\/users\/7 HTTP/)
  }
})

test('a command’s answer says whether it is visible', () => {
  assert.equal(sourceOf(answer('{}', 'visibility: pending')), 'pending')
  assert.equal(sourceOf(answer('{}', null)), '-')
})
