import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, readConfig } from './config.ts'

const kept = (hours?: string) => readConfig({ IDEMPOTENCY_KEY_TTL_HOURS: hours }).commands

test('an Idempotency-Key is good for a day, or for as many hours as are set', () => {
  assert.deepEqual(kept(), { keysKeptMs: 86_400_000 })
  assert.deepEqual(kept('1'), { keysKeptMs: 3_600_000 })
  assert.deepEqual(kept('720'), { keysKeptMs: 2_592_000_000 })
})

test('for an hour at least, and for thirty days at most', () => {
  const refusal = new ConfigError('Wrong settings. IDEMPOTENCY_KEY_TTL_HOURS: a whole number, 1 to 720')
  for (const hours of ['0', '721', '-1', '1.5', 'a day']) assert.throws(() => kept(hours), refusal, hours)
})
