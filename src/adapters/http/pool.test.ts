import assert from 'node:assert/strict'
import { test } from 'node:test'
import { optionsOf } from './pool.ts'

test('connections have their limits, each of its own', () => {
  const lookup = () => undefined
  const limits = {
    concurrent: 1,
    attemptMs: 2,
    connectMs: 3,
    maxAnswerBytes: 4,
    idleMs: 5,
    connectionTtlMs: 6,
  }
  assert.deepEqual(optionsOf(limits, lookup), {
    connections: 1,
    pipelining: 1,
    connect: { timeout: 3, lookup },
    headersTimeout: 1_002,
    bodyTimeout: 1_002,
    maxResponseSize: 4,
    maxHeaderSize: 16_384,
    keepAliveTimeout: 5,
    keepAliveMaxTimeout: 5,
    clientTtl: 6,
    allowH2: false,
  })
})
