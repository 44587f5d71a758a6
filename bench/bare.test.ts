import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyOf } from './bare.ts'

test('every header is copied in order, but for those that Node writes itself', () => {
  const head = [
    'HTTP/1.1 200 OK',
    'x-request-id: 1',
    'content-type: application/json; charset=utf-8',
    'etag: "e: 1"',
    'content-length: 2',
    'Date: Tue, 24 Nov 2026 16:15:29 GMT',
    'Connection: keep-alive',
    'Keep-Alive: timeout=72',
  ].join('\r\n')
  const copy = copyOf({ head, body: '{}' })
  assert.deepEqual(Object.entries(copy.headers), [
    ['x-request-id', '1'],
    ['content-type', 'application/json; charset=utf-8'],
    ['etag', '"e: 1"'],
    ['content-length', '2'],
  ])
  assert.deepEqual([copy.body, copy.keepAliveTimeoutMs], ['{}', 72_000])
})
