import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, readConfig } from './config.ts'

test('who has done what is kept for ever, unless days are named', () => {
  assert.deepEqual(readConfig({}).history, { keptMs: null })
  assert.deepEqual(readConfig({ AUDIT_RETENTION_DAYS: '' }).history, { keptMs: null })
  assert.deepEqual(readConfig({ AUDIT_RETENTION_DAYS: '90' }).history, { keptMs: 90 * 86_400_000 })
})

for (const wrong of ['0', '-1', '1.5', '36501', 'ever']) {
  test(`AUDIT_RETENTION_DAYS=${wrong} is refused`, () =>
    assert.throws(() => readConfig({ AUDIT_RETENTION_DAYS: wrong }), ConfigError))
}
