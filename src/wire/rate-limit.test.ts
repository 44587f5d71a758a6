import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rateLimitHead, withRateLimit } from './rate-limit.ts'

test('the headers are lists of strings with whole numbers as parameters, as the draft wants them', () => {
  const head = rateLimitHead('read', { limit: 600_000, remaining: 599_999, resetS: 60 })
  assert.deepEqual(head, ['ratelimit', '"read";r=599999;t=60', 'ratelimit-policy', '"read";q=600000;w=60'])
  // RFC 9651: an item that is a string, with parameters that are integers.
  for (const value of [head[1], head[3]]) assert.match(value ?? '', /^"[a-z]+"(;[a-z]+=\d{1,15})+$/)
  assert.deepEqual(rateLimitHead('write', { limit: 1, remaining: 0, resetS: 0 }).slice(0, 2), [
    'ratelimit',
    '"write";r=0;t=0',
  ])
})

test('for the document, answers that are counted get them beside their own, and refusals before the count do not', () => {
  const answers = withRateLimit({ 200: { headers: { etag: {} } }, 304: {}, 401: { headers: {} }, 429: {}, 503: {} })
  const names = Object.entries(answers).map(([status, answer]) => [
    status,
    Object.keys((answer as { headers?: object }).headers ?? {}),
  ])
  assert.deepEqual(names, [
    ['200', ['etag', 'ratelimit', 'ratelimit-policy']],
    ['304', ['ratelimit', 'ratelimit-policy']],
    ['401', []],
    ['429', ['ratelimit', 'ratelimit-policy']],
    ['503', []],
  ])
})
