import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, answerReader } from '../load/answer.ts'
import { get } from '../load/connection.ts'
import { judged } from './judge.ts'

const BEGIN = '{"user":{"userId":7,'
const QUESTION = { request: get('/v1/users/7/profile'), status: 200, from: null, body: BEGIN, whole: false }
const KNOWN = { branches: [{ details: { name: 'Łódź' } }], employment: { department: 'Bakery' }, degraded: [] }

function answer(rest: object, status = 200): Answer {
  let read: Answer | null = null
  const body = Buffer.from(`${BEGIN}"version":5},${JSON.stringify(rest).slice(1)}`)
  answerReader((whole) => {
    read = whole
  })(Buffer.concat([Buffer.from(`HTTP/1.1 ${status} X\r\ncontent-length: ${body.length}\r\n\r\n`), body]))
  assert.ok(read)
  return read
}
const profile = (differing: object, status?: number) =>
  judged('profile', QUESTION, answer({ ...KNOWN, ...differing }, status))

const OLD = { part: 'branches', reason: 'timeout', asOf: '2026-01-01T00:00:00.000Z' }
const NONE = { part: 'employment', reason: 'circuit-open', asOf: null }

test('a profile is whole, or has something old, or lacks something, and says why', () => {
  assert.deepEqual(profile({}), { verdict: 'whole', reasons: [], fault: null })
  assert.deepEqual(profile({ degraded: [OLD, OLD] }), {
    verdict: 'last-known',
    reasons: ['branches timeout'],
    fault: null,
  })
  assert.deepEqual(profile({ employment: null, degraded: [OLD, NONE] }), {
    verdict: 'without',
    reasons: ['branches timeout', 'employment circuit-open'],
    fault: null,
  })
})

test('another status, another user, and what is missing without a word are errors', () => {
  assert.match(profile({}, 503).fault ?? '', /503 instead of 200/)
  assert.match(
    judged('profile', { ...QUESTION, body: '{"user":{"userId":8,' }, answer(KNOWN)).fault ?? '',
    /another body/,
  )
  for (const missing of [
    { employment: null },
    { branches: [{ details: null }] },
    { employment: null, degraded: [OLD] },
  ]) {
    const { verdict, fault } = profile(missing)
    assert.equal(verdict, 'error')
    assert.match(fault ?? '', /without a word/)
  }
})
