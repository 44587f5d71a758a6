import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eraseHistory } from '../../src/adapters/sql/audit-erase.ts'
import { expireBefore, expireHistory, MAX_EXPIRED_AT_ONCE } from '../../src/adapters/sql/audit-retention.ts'
import { sqlAuditTrail } from '../../src/adapters/sql/audit-trail.ts'
import { pendingEvents } from '../../src/adapters/sql/pending-events.ts'
import { DomainError } from '../../src/domain/errors.ts'
import type { UserEvent } from '../../src/domain/events.ts'
import type { Database } from '../../src/ports.ts'
import { CASHIER, chainOf, define, happen, momentLater, openAudited, prefer, rawEntry, WHO } from './audit-rig.ts'
import { AT, changingNothing, numberOf, type OpenRig, run } from './rig.ts'

const SECRET = 'Rumpelstilzchen'
const DAY_MS = 86_400_000
const renamed = (userId: number, n: number): UserEvent => ({
  ...{ type: 'details-changed', userId, at: AT },
  changes: { givenName: `${SECRET} ${n}` },
})
const erase = (database: Database, userId = 1) =>
  eraseHistory(database, { userId, reason: 'request 17', at: AT, by: { ...WHO, name: 'dpo' } })

/** Everything that the audit's tables hold, as one text. */
async function said(database: Database): Promise<string> {
  const tables = ['user_audit', 'audit_chain', 'audit_heads', 'pending_events']
  const rows = await Promise.all(tables.map((table) => database.query(`SELECT * FROM ${table}`)))
  return JSON.stringify(rows)
}

export function auditErasureContract(open: OpenRig): void {
  describe('audit, erased', () => erasing(open))
  describe('audit, retained for a time', () => retaining(open))
}

function erasing(open: OpenRig): void {
  test('what was said of somebody is gone; who did what and when stays, and all is whole', async (t) => {
    const { rig, database, verified } = await openAudited(t, open)
    await rawEntry(rig, '1')
    for (const userId of [1, 2]) {
      await happen(database, userId, [renamed(userId, 1)])
      await happen(database, userId, [renamed(userId, 2)])
    }
    const before = await chainOf(database)
    const others = await chainOf(database, 'user', '2')
    assert.deepEqual(await erase(database), { outcome: 'erased', entries: 3, upTo: 2 })
    const after = await chainOf(database)
    const bare = { event: '{"erased":true}', address: '-', before_json: null, salt: null }
    assert.deepEqual(
      after.slice(0, 2).map((row) => ({ ...row })),
      before.map((row) => ({ ...row, ...bare })),
    )
    const { event, ...entry } = after[2] ?? {}
    assert.deepEqual(JSON.parse(String(event)), {
      ...{ type: 'history-erased', userId: 1, at: AT, entries: 3, upTo: 2, reason: 'request 17' },
    })
    assert.deepEqual([entry.seq, entry.event_type, entry.actor], [3, 'history-erased', 'dpo'])
    assert.deepEqual(await chainOf(database, 'user', '2'), others)
    await run(database, `DELETE FROM audit_chain WHERE entity_id = '2'`)
    await run(database, `DELETE FROM user_audit WHERE entity_id = '2'`, `DELETE FROM audit_heads WHERE entity_id = '2'`)
    assert.doesNotMatch(await said(database), new RegExp(SECRET))
    const { erased, unchained, entries, places } = await verified()
    assert.deepEqual([erased, unchained, entries, places], [2, 1, 3, []])
    const { history } = sqlAuditTrail(database)
    assert.deepEqual(
      (await history(1, null, 10))?.entries.map(({ seq, changes }) => [seq, changes]),
      [
        [3, []],
        [2, null],
        [1, null],
        [null, null],
      ],
    )
  })

  test('what comes after is said again, and may be erased in its turn; where nothing is left nothing is written', async (t) => {
    const { database, verified } = await openAudited(t, open)
    assert.deepEqual(await changingNothing(database, () => erase(database)), { outcome: 'nothing' })
    await prefer(database, 1, 'dark')
    await erase(database)
    assert.deepEqual(await changingNothing(database, () => erase(database)), { outcome: 'nothing' })
    await prefer(database, 1, 'light')
    assert.deepEqual((await verified()).places, [])
    assert.deepEqual(await erase(database), { outcome: 'erased', entries: 1, upTo: 3 })
    const { erased, entries, places } = await verified()
    assert.deepEqual([erased, entries, places], [2, 4, []])
  })

  test('who is gone is erased as well, also where all is older than chains', async (t) => {
    const { rig, database, verified } = await openAudited(t, open)
    await rawEntry(rig, '3')
    await run(database, 'DELETE FROM users WHERE user_id = 3')
    assert.deepEqual(await erase(database, 3), { outcome: 'erased', entries: 1, upTo: 0 })
    const [old] = await database.query(`SELECT event FROM user_audit WHERE actor = 'older'`)
    assert.equal(old?.event, '{"erased":true}')
    assert.deepEqual((await verified()).places, [])
  })

  test('what has still to be published is waited for, and nothing is written', async (t) => {
    const { database, verified } = await openAudited(t, open)
    await prefer(database, 1, 'dark', { events: true })
    await prefer(database, 2, 'dark', { events: true })
    assert.deepEqual(await changingNothing(database, () => erase(database)), { outcome: 'pending', entries: 1 })
    const { next, forget } = pendingEvents(database)
    await forget((await next(1)).map(({ auditId }) => auditId))
    assert.deepEqual(await erase(database), { outcome: 'erased', entries: 1, upTo: 1 })
    assert.equal((await next(9)).length, 1, 'and that it was erased is published to nobody')
    assert.deepEqual((await verified()).places, [])
  })

  test('broken off in between, it is whole, has said what it does, and is ended by the next', async (t) => {
    const { database, verified } = await openAudited(t, open)
    const events = Array.from({ length: 205 }, (_, n) => renamed(1, n))
    await happen(database, 1, events)
    let pages = 0
    const failing: Database = {
      ...database,
      transaction: (work, how) => {
        pages += 1
        return pages === 3 ? Promise.reject(new Error('planted')) : database.transaction(work, how)
      },
    }
    await assert.rejects(erase(failing), /planted/)
    const half = await verified()
    assert.deepEqual([half.erased, half.entries, half.places], [100, 206, []])
    assert.deepEqual(await erase(database), { outcome: 'erased', entries: 105, upTo: 206 })
    const whole = await verified()
    assert.deepEqual([whole.erased, whole.entries, whole.places], [205, 207, []])
    assert.doesNotMatch(JSON.stringify(await chainOf(database)), new RegExp(SECRET))
  })

  test('commands go on meanwhile; what they say is not erased', async (t) => {
    const { database, other, verified } = await openAudited(t, open)
    for (let n = 0; n < 4; n += 1) await happen(database, 1, [renamed(1, n)])
    await Promise.all([
      erase(database),
      ...Array.from({ length: 6 }, (_, n) => prefer(n % 2 ? database : other, 1, `v${n}`)),
    ])
    const { erased, entries, places } = await verified()
    assert.deepEqual(places, [])
    assert.ok(erased >= 4 && entries === 11, `${erased} of ${entries}`)
  })
}

function retaining(open: OpenRig): void {
  const seqs = async (database: Database, id = '1') => (await chainOf(database, 'user', id)).map((row) => row.seq)

  test('what is older goes, the chain begins behind it, and is whole; what follows is added as ever', async (t) => {
    const { rig, database, verified } = await openAudited(t, open)
    await rawEntry(rig, '1')
    for (const userId of [1, 1, 2]) await prefer(database, userId, 'dark').then(() => prefer(database, userId, 'light'))
    await define(database, CASHIER)
    const time = await momentLater(database)
    await prefer(database, 1, 'blue')
    const [, , , last] = await chainOf(database)
    assert.equal(await expireBefore(database, time), 8)
    assert.deepEqual([await seqs(database), await seqs(database, '2')], [[5], []])
    const heads = await database.query(
      'SELECT entity_id, last_seq, kept_seq, kept_hash FROM audit_heads ORDER BY entity_id',
    )
    assert.deepEqual(
      heads.map((head) => [head.entity_id, head.last_seq, head.kept_seq]),
      [
        ['1', 5, 4],
        ['2', 2, 2],
        ['cashier', 1, 1],
      ],
    )
    assert.equal(heads[0]?.kept_hash, last?.chain_hash)
    const kept = await verified()
    assert.deepEqual([kept.entries, kept.unchained, kept.places], [1, 0, []])
    for (const userId of [1, 2]) await prefer(database, userId, 'red')
    assert.deepEqual([await seqs(database), await seqs(database, '2')], [[5, 6], [3]])
    assert.deepEqual((await verified()).places, [])
    assert.equal(await expireBefore(database, time), 0)
  })

  test('by days: what is younger stays', async (t) => {
    const { rig, database } = await openAudited(t, open)
    await rawEntry(rig, '1')
    await prefer(database, 1, 'dark')
    assert.equal(await expireHistory(database, 36_500 * DAY_MS), 0)
    assert.equal(await expireHistory(database, DAY_MS), 1)
    assert.deepEqual(await seqs(database), [1])
  })

  test('what has still to be published stays, with what follows it of the same user', async (t) => {
    const { database, verified } = await openAudited(t, open)
    await prefer(database, 1, 'a')
    await prefer(database, 1, 'b', { events: true })
    await prefer(database, 1, 'c')
    await prefer(database, 2, 'a')
    assert.equal(await expireBefore(database, await momentLater(database)), 2)
    assert.deepEqual([await seqs(database), await seqs(database, '2')], [[2, 3], []])
    assert.deepEqual((await verified()).places, [])
    const { next, forget } = pendingEvents(database)
    await forget((await next(9)).map(({ auditId }) => auditId))
    assert.equal(await expireBefore(database, await momentLater(database)), 2)
    assert.deepEqual(await seqs(database), [])
  })

  test('nothing goes out of the middle of a chain, whatever time stands there', async (t) => {
    const { database } = await openAudited(t, open)
    for (const value of ['a', 'b', 'c']) await prefer(database, 1, value)
    await run(database, `UPDATE user_audit SET recorded_at = '2999-01-01 00:00:00.000' WHERE event LIKE '%"a"%'`)
    assert.equal(await expireBefore(database, '2998-01-01 00:00:00.000'), 0)
    assert.deepEqual(await seqs(database), [1, 2, 3])
  })

  test('where a chain has no end that is recorded, its entries stay', async (t) => {
    const { rig, database, verified } = await openAudited(t, open)
    await rawEntry(rig, '1')
    await prefer(database, 1, 'a')
    const time = await momentLater(database)
    await run(database, 'DELETE FROM audit_heads')
    assert.equal(await expireBefore(database, time), 1)
    assert.deepEqual((await verified()).places, ['user 1 1 no-head'])
  })

  test('erased entries go as others do', async (t) => {
    const { database, verified } = await openAudited(t, open)
    for (const value of ['a', 'b', 'c']) await prefer(database, 1, value)
    await erase(database)
    const time = await momentLater(database)
    await prefer(database, 1, 'd')
    assert.equal(await expireBefore(database, time), 4)
    assert.deepEqual([await seqs(database), (await verified()).places], [[5], []])
  })

  test('however much there is it goes, a bounded part at a time, and stops when it is told to', async (t) => {
    const { rig, database } = await openAudited(t, open)
    await database.transaction(async (session) => {
      for (let n = 0; n < MAX_EXPIRED_AT_ONCE + 3; n += 1)
        await rawEntry({ database: { ...database, ...session } }, '1')
    })
    await prefer(database, 2, 'dark')
    const stop = new AbortController()
    let transactions = 0
    let readOn = 0
    const stopping: Database = {
      ...database,
      query: (sql, params) => {
        readOn += stop.signal.aborted ? 1 : 0
        return database.query(sql, params)
      },
      transaction: (work, how) => {
        transactions += 1
        stop.abort()
        return database.transaction(work, how)
      },
    }
    const time = await momentLater(database)
    assert.equal(await expireBefore(stopping, time, stop.signal), MAX_EXPIRED_AT_ONCE)
    assert.deepEqual([transactions, readOn], [1, 0])
    assert.equal(await expireBefore(rig.other, time), 4)
    assert.equal(await numberOf(database, 'SELECT COUNT(*) AS n FROM user_audit'), 0)
  })

  test('what is held is left for the next time', async (t) => {
    const { database } = await openAudited(t, open, 2)
    for (const userId of [1, 2]) await prefer(database, userId, 'dark')
    const time = await momentLater(database)
    const busy = new DomainError('busy', 'planted')
    let transactions = 0
    const held: Database = {
      ...database,
      transaction: (work, how) => {
        transactions += 1
        return transactions === 1 ? Promise.reject(busy) : database.transaction(work, how)
      },
    }
    assert.equal(await expireBefore(held, time), 1)
    assert.deepEqual([await seqs(database), await seqs(database, '2')], [[1], []])
    assert.equal(await expireBefore(database, time), 1)
  })

  test('commands and erasures go on meanwhile', async (t) => {
    const { database, other, verified } = await openAudited(t, open)
    for (let n = 0; n < 6; n += 1) await prefer(database, (n % 3) + 1, `v${n}`)
    const time = await momentLater(database)
    await Promise.all([
      expireBefore(database, time),
      erase(other, 2),
      ...Array.from({ length: 9 }, (_, n) => prefer(n % 2 ? database : other, (n % 3) + 1, `w${n}`)),
    ])
    await expireBefore(database, time)
    const { entries, places } = await verified()
    assert.deepEqual(places, [])
    assert.ok(entries >= 9, `${entries}`)
  })
}
