import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, readConfig } from './config.ts'

test('who has done what is kept for ever, unless days are named', () => {
  assert.deepEqual(readConfig({}).history.keptMs, null)
  assert.deepEqual(readConfig({ AUDIT_RETENTION_DAYS: '' }).history.keptMs, null)
  assert.deepEqual(readConfig({ AUDIT_RETENTION_DAYS: '90' }).history.keptMs, 90 * 86_400_000)
})

for (const wrong of ['0', '-1', '1.5', '36501', 'ever']) {
  test(`AUDIT_RETENTION_DAYS=${wrong} is refused`, () =>
    assert.throws(() => readConfig({ AUDIT_RETENTION_DAYS: wrong }), ConfigError))
}

test('a time up to which entries may lack a place is one in UTC, and whole', () => {
  const given = (time: string) => readConfig({ AUDIT_CHAIN_UNCHAINED_BEFORE: time }).history.verify.unchainedBefore
  assert.equal(given('2026-07-01T12:00:00Z'), '2026-07-01T12:00:00.000Z')
  for (const wrong of ['yesterday', '2026-07-01', '2026-07-01T12:00:00', '2026-13-01T12:00:00Z', '1780000000'])
    assert.throws(() => given(wrong), ConfigError, wrong)
})
