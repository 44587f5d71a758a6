import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkIssuer } from './wiring-health.ts'

test('an issuer whose keys never came fails; one that is down, or was not asked for long, is only told of', () => {
  const state = (keysAgeMs: number | null, failing: boolean) =>
    checkIssuer({ ready: keysAgeMs !== null, keysAgeMs, failing }).state
  assert.equal(state(0, false), 'ok')
  assert.equal(state(900_000, false), 'ok')
  assert.equal(state(900_001, false), 'degraded')
  assert.equal(state(10, true), 'degraded')
  assert.equal(state(86_400_000, true), 'degraded')
  assert.equal(state(null, true), 'failing')
})
