import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { metricRegistry } from '../../src/wiring-metrics.ts'
import { startWorkers } from '../../src/wiring-workers.ts'
import { apiClient } from '../api/client.ts'
import { lastFirst } from '../contract/rig.ts'
import { seriesValue } from '../support/exposition.ts'
import { startService, until } from '../support/service.ts'

const LIMIT_MS = 30_000
/** The schedule looks every ten seconds whether a pass is due. */
const AT_ONCE = { AUDIT_CHAIN_EVERY_MS: '1000', AUDIT_CHAIN_ROWS_PER_SECOND: '1000000' }
const BROKEN = 'users_audit_chain_broken_places'

test('the jobs worker verifies the audit of commands, and what is forged is counted and told, without a name', async (context) => {
  const t = lastFirst(context)
  const service = await startService({ worker: false, environment: AT_ONCE })
  t.after(service.close)
  const api = await apiClient(service.app)
  const [userId] = [await api.somebody(), await api.somebody()]
  await api.post(`/v1/users/${userId}/suspend`)
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const registry = metricRegistry()
  const worker = await startWorkers(service.config, log, ['project', 'jobs'], { registry })
  t.after(worker.stop)
  const value = async (name: string, labels = {}) => seriesValue(await registry.metrics(), name, labels)

  await until('all was verified', async () => (await value('users_audit_chain_verified')) >= 2, LIMIT_MS)
  assert.equal(await value(BROKEN, { fault: 'content-differs' }), 0)
  // Chains are counted while a pass goes on, and its age when it has ended.
  const age = () => value('users_audit_chain_pass_age_seconds')
  await until('the pass has ended', async () => !Number.isNaN(await age()), LIMIT_MS)
  const ageS = await age()
  assert.ok(ageS >= 0 && ageS < LIMIT_MS, `${ageS}`)
  assert.equal(lines.filter(({ msg }) => msg === 'the audit is broken').length, 0)

  const forged = `{"forged":"Ada Lovelace"}`
  await service.sql(
    `UPDATE user_audit SET event = '${forged}' WHERE entity_id = '${userId}' AND event_type = 'user-suspended'`,
  )
  await until('it is counted', async () => (await value(BROKEN, { fault: 'content-differs' })) === 1, LIMIT_MS)
  assert.equal(await value(BROKEN, { fault: 'hash-differs' }), 0)
  const told = lines.filter(({ msg }) => msg === 'the audit is broken')
  assert.ok(told.length >= 1)
  const { level, entity, entityId, seq, what } = told[0] ?? {}
  assert.deepEqual([level, entity, entityId, seq, what], [50, 'user', String(userId), 2, 'content-differs'])
  assert.doesNotMatch(JSON.stringify(lines), /Lovelace/)
})
