import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { databaseNow, later } from '../../src/adapters/sql/database-time.ts'
import { measuredDatabase } from '../../src/adapters/sql/measured-database.ts'
import { outboxFigures } from '../../src/adapters/sql/outbox-figures.ts'
import { DomainError } from '../../src/domain/errors.ts'
import type { DatabaseCall } from '../../src/ports/metrics.ts'
import type { OpenRig } from './rig.ts'

const INSERT = 'INSERT INTO entity_changes (change_id, entity, entity_id, changed_at) VALUES (?, ?, ?, ?)'
const PARK = `INSERT INTO parked_changes (change_id, entity, entity_id, changed_at, error, attempts, parked_at)
  VALUES (?, ?, ?, ?, 'made up', 1, ?)`
const EARLIER_MS = 60_000

/** What is told of a database, for metrics. */
export function measuredContract(open: OpenRig): void {
  describe('what waits in the database', () => {
    test('is counted, and the oldest change has an age by the database’s clock', async (t) => {
      const { database } = await open(t)
      const figures = outboxFigures(database)
      assert.deepEqual(await figures(), { changes: 0, events: 0, parked: 0, oldestMs: 0 })
      const now = await databaseNow(database, database.dialect)
      for (const [id, at] of [
        [1, now],
        [2, later(now, -EARLIER_MS)],
      ] as const) {
        await database.execute(INSERT, [id, 'user', '1', at])
      }
      await database.execute('INSERT INTO pending_events (audit_id) VALUES (1)')
      await database.execute(PARK, [9, 'user', '1', now, now])
      const { oldestMs, ...counts } = await figures()
      assert.deepEqual(counts, { changes: 2, events: 1, parked: 1 })
      assert.ok(oldestMs >= EARLIER_MS && oldestMs < 2 * EARLIER_MS, `${oldestMs}`)
    })
  })

  describe('a database that is measured', () => {
    test('does the same, and tells of each call how it ended; what somebody decides in one is no failure of it', async (t) => {
      const { database } = await open(t)
      const told: [call: DatabaseCall, failed: boolean][] = []
      const measured = measuredDatabase(database, {
        ended(call, failed, ms) {
          assert.ok(ms >= 0)
          told.push([call, failed])
        },
      })
      const [row] = await measured.query<{ epoch: string }>('SELECT epoch FROM service_epoch')
      assert.ok(row?.epoch)
      assert.equal(await measured.execute('UPDATE service_epoch SET epoch = epoch'), 1)
      assert.equal(
        await measured.transaction(async (session) => (await session.query('SELECT epoch FROM service_epoch')).length),
        1,
      )
      const decides = (error: unknown) => measured.transaction(() => Promise.reject(error))
      await assert.rejects(decides(new DomainError('user-terminated', '')), { code: 'user-terminated' })
      await assert.rejects(decides(new Error('a mistake of ours')), /a mistake of ours/)
      await assert.rejects(decides(new DomainError('database-unavailable', '')), { code: 'database-unavailable' })
      assert.deepEqual(told, [
        ['query', false],
        ['execute', false],
        ['transaction', false],
        ['transaction', false],
        ['transaction', false],
        ['transaction', true],
      ])
    })
  })
}
