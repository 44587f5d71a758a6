import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listAnswer, momentAnswer, readAnswer, writeAnswer } from './answer.ts'

const TAG = '"ab12.1.u.7"'
const BODY = Buffer.from('{"userId":7}')
const JSON_TYPE = 'application/json; charset=utf-8'
const read = { etag: TAG, 'read-from': 'redis', 'cache-control': 'private, no-cache' }

const REDIS = { 'read-from': 'redis' }

test('a read is the stored bytes themselves, with tag and source, and is asked about each time', () => {
  const answer = readAnswer(TAG, undefined, REDIS, BODY)
  assert.deepEqual(answer, { status: 200, headers: { 'content-type': JSON_TYPE, ...read }, body: BODY })
  assert.equal(answer.body, BODY)
})

test('a read that the caller has is 304 with the same headers, without a body or its type', () => {
  for (const held of [TAG, `W/${TAG}`, '*', `"x", ${TAG}`]) {
    assert.deepEqual(readAnswer(TAG, held, REDIS, BODY), { status: 304, headers: read, body: undefined })
  }
  assert.equal(readAnswer(TAG, '"ab12.1.u.6"', REDIS, BODY).status, 200)
})

test('an answer says where it was read', () => {
  assert.equal(readAnswer(TAG, undefined, { 'read-from': 'database' }, BODY).headers['read-from'], 'database')
  assert.equal(listAnswer({ 'read-from': 'database' }, '{}').headers['read-from'], 'database')
})

test('a list has no tag', () => {
  const { etag: _, ...headers } = read
  const answer = { status: 200, headers: { 'content-type': JSON_TYPE, ...headers }, body: '{"items":[]}' }
  assert.deepEqual(listAnswer(REDIS, '{"items":[]}'), answer)
})

test('an answer to a command is 200 with the new tag, and is kept nowhere', () => {
  assert.deepEqual(writeAnswer(TAG, true, { userId: 7, version: 7 }), {
    status: 200,
    headers: { 'content-type': JSON_TYPE, etag: TAG, 'cache-control': 'no-store' },
    body: '{"userId":7,"version":7}',
  })
})

test('who was registered is 201, with where they are', () => {
  const { status, headers } = writeAnswer(TAG, true, {}, '/v1/users/7')
  assert.equal(status, 201)
  assert.equal(headers.location, '/v1/users/7')
  assert.equal(headers.visibility, undefined)
})

test('what is committed but not yet visible says so', () => {
  assert.equal(writeAnswer(TAG, false, {}).headers.visibility, 'pending')
  assert.equal(writeAnswer(TAG, false, {}, '/v1/users/7').headers.visibility, 'pending')
})

test('what is so at this moment has neither tag nor source, and is kept nowhere', () => {
  const headers = { 'content-type': JSON_TYPE, 'cache-control': 'no-store' }
  assert.deepEqual(momentAnswer({ a: 1 }), { status: 200, headers, body: '{"a":1}' })
  assert.deepEqual(momentAnswer({ a: 1 }, false).headers, { ...headers, visibility: 'pending' })
})
