import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { sqlAuditTrail } from '../../src/adapters/sql/audit-trail.ts'
import { sqlUserStore } from '../../src/adapters/sql/user-store.ts'
import type { UserEvent } from '../../src/domain/events.ts'
import { MAX_PERMISSIONS_PER_ROLE, type Role } from '../../src/domain/role.ts'
import type { Database, SqlRow } from '../../src/ports.ts'
import { CASHIER, chainOf, define, force, happen, openAudited, prefer, rawEntry, remove, WHO } from './audit-rig.ts'
import { failingAt, meddledWith } from './change-claims.ts'
import { ANY_VERSION, AT, changingNothing, insertRole, numberOf, type OpenRig, run } from './rig.ts'

const of = { userId: 1, at: AT }
/** Informix refuses a longer row (IBM Informix Administrator's Guide: 32,767 bytes). */
const LONGEST_ROW = 32_767
const ZEROS = '0'.repeat(64)

const digest = (...parts: unknown[]) => createHash('sha256').update(JSON.stringify(parts)).digest('hex')

/** As docs/audit.md says it, from the rows alone. */
function hashesOf(row: SqlRow, previous: unknown) {
  const content = digest(row.salt, row.event, row.before_json, row.address)
  const who = [row.event_type, row.actor, row.client, row.request_id, row.recorded_at]
  return { content, chain: digest(previous, row.seq, row.entity, row.entity_id, ...who, content) }
}

export function auditChainContract(open: OpenRig): void {
  describe('audit chain', () => {
    chaining(open)
    telling(open)
    bounding(open)
    racing(open)
  })
  describe('history of a user', () => reading(open))
}

function chaining(open: OpenRig): void {
  test('entries of users, roles and switches follow one another, each hashed over the one before', async (t) => {
    const { database, verified } = await openAudited(t, open)
    await happen(database, 1, [
      { ...of, type: 'branch-assigned', branchId: 'B7' },
      { ...of, type: 'home-branch-changed', branchId: 'B7' },
    ])
    await prefer(database, 1, 'dark')
    await prefer(database, 2, 'dark')
    await define(database, CASHIER)
    await define(database, { ...CASHIER, title: 'Till' })
    await force(database, '{"a":1}')
    await force(database, null)
    for (const [entity, id, length] of [
      ['user', '1', 3],
      ['user', '2', 1],
      ['role', 'cashier', 2],
      ['breaker', 'people-service', 2],
    ] as const) {
      const rows = await chainOf(database, entity, id)
      assert.deepEqual(
        rows.map((row) => row.seq),
        Array.from({ length }, (_, index) => index + 1),
      )
      let previous: unknown = ZEROS
      for (const row of rows) {
        const { content, chain } = hashesOf(row, previous)
        assert.deepEqual([row.content_hash, row.chain_hash], [content, chain])
        assert.match(String(row.salt), /^[0-9a-f]{32}$/)
        assert.deepEqual([row.actor, row.client, row.request_id], [WHO.name, WHO.client, WHO.requestId])
        previous = row.chain_hash
      }
      const [head] = await database.query('SELECT * FROM audit_heads WHERE entity = ? AND entity_id = ?', [entity, id])
      assert.deepEqual(
        { ...head },
        { entity, entity_id: id, last_seq: length, last_hash: previous, kept_seq: 0, kept_hash: ZEROS },
      )
    }
    const { places, ...counts } = await verified()
    assert.deepEqual([counts, places], [{ chains: 4, entries: 8, erased: 0, unchained: 0, broken: 0 }, []])
  })

  test('no salt is given twice, and who has no program has none in the chain', async (t) => {
    const { database } = await openAudited(t, open)
    for (const value of ['a', 'b', 'a']) await prefer(database, 1, value)
    await sqlUserStore(database).update(1, ANY_VERSION, () => [{ ...of, type: 'user-suspended' }])
    const rows = await chainOf(database)
    assert.equal(new Set(rows.map((row) => row.salt)).size, 4)
    assert.deepEqual(
      rows.map((row) => row.client),
      ['hr', 'hr', 'hr', null],
    )
  })

  test('a role that is removed and defined again has one chain, and so has a user who is gone', async (t) => {
    const { database, verified } = await openAudited(t, open)
    await define(database, CASHIER)
    await remove(database, 'cashier')
    await define(database, CASHIER)
    await happen(database, 3, [{ ...of, userId: 3, type: 'user-suspended' }])
    await run(database, 'DELETE FROM users WHERE user_id = 3')
    assert.equal((await chainOf(database, 'role', 'cashier')).length, 3)
    assert.deepEqual((await verified()).places, [])
  })

  test('what an earlier release has written stays without a place, and is counted', async (t) => {
    const { rig, database, verified } = await openAudited(t, open)
    await rawEntry(rig, '1')
    await prefer(database, 1, 'dark')
    const [entry] = await chainOf(database)
    assert.deepEqual([entry?.seq, entry?.event_type], [1, 'preference-set'])
    const { unchained, entries, places } = await verified()
    assert.deepEqual([unchained, entries, places], [1, 1, []])
  })

  for (const statement of ['INSERT INTO audit_chain', 'INSERT INTO audit_heads', 'UPDATE audit_heads']) {
    test(`without ${statement} nothing of a command is written`, async (t) => {
      const { database } = await openAudited(t, open)
      if (statement.startsWith('UPDATE')) await prefer(database, 1, 'dark')
      await changingNothing(database, () =>
        assert.rejects(prefer(failingAt(database, statement), 1, 'light'), /planted/),
      )
    })
  }

  test('a command asks four times more of the database than for its entry alone, and once more an event', async (t) => {
    const { database } = await openAudited(t, open)
    await prefer(database, 1, 'dark')
    const asked = async (events: UserEvent[], options?: { events: boolean }) => {
      const said: string[] = []
      await happen(listening(database, said), 1, events, options)
      return said.filter((sql) => /audit_|_audit|pending/.test(sql)).map((sql) => sql.slice(0, 17))
    }
    const set = (key: string): UserEvent => ({ ...of, type: 'preference-set', key, value: 'x' })
    const one = [
      'SELECT last_seq, ',
      'INSERT INTO user_',
      'SELECT audit_id F',
      'INSERT INTO audit',
      'UPDATE audit_head',
    ]
    assert.deepEqual(await asked([set('a')]), one)
    assert.deepEqual(await asked([set('b')], { events: true }), [...one, 'INSERT INTO pendi'])
    assert.equal((await asked([set('c'), set('d')])).length, one.length + 2)
  })
}

function listening(database: Database, said: string[]): Database {
  return {
    ...database,
    transaction: (work, how) =>
      database.transaction(
        (session) =>
          work({
            query: (sql, params) => {
              said.push(sql)
              return session.query(sql, params)
            },
            execute: (sql, params) => {
              said.push(sql)
              return session.execute(sql, params)
            },
          }),
        how,
      ),
  }
}

function telling(open: OpenRig): void {
  const before = async (database: Database, entity = 'user', id = '1') =>
    (await chainOf(database, entity, id)).map((row) =>
      row.before_json === null ? null : JSON.parse(String(row.before_json)),
    )

  test('what the event does not say is kept: what it was before, also by an event of the same command', async (t) => {
    const { database } = await openAudited(t, open)
    await prefer(database, 1, 'dark')
    await happen(database, 1, [
      { ...of, type: 'preference-set', key: 'theme', value: 'light' },
      { ...of, type: 'preference-removed', key: 'theme' },
      { ...of, type: 'details-changed', changes: { givenName: 'Bo', email: 'b@example.com' } },
      { ...of, type: 'user-suspended' },
      { ...of, type: 'user-terminated' },
      { ...of, type: 'branch-assigned', branchId: 'B1' },
    ])
    assert.deepEqual(await before(database), [
      null,
      { 'preferences.theme': 'dark' },
      { 'preferences.theme': 'light' },
      { givenName: 'Ann' },
      { status: 'active' },
      { status: 'suspended' },
      null,
    ])
  })

  test('so of roles and of switches', async (t) => {
    const { database } = await openAudited(t, open)
    await define(database, CASHIER)
    await define(database, { ...CASHIER, title: 'Till' })
    await force(database, '{"a":1}')
    await force(database, null)
    const { role, ...was } = CASHIER
    assert.deepEqual(await before(database, 'role', role), [null, was])
    assert.deepEqual(await before(database, 'breaker', 'people-service'), [null, { setting: '{"a":1}' }])
  })
}

function bounding(open: OpenRig): void {
  const permissions = (count: number) =>
    Array.from({ length: count }, (_, index) => `p${index}`.padEnd(64, '-')).toSorted()
  const bytes = (row: SqlRow) =>
    Object.values(row).reduce<number>(
      (sum, value) => sum + (typeof value === 'string' ? Buffer.byteLength(value) : 8),
      0,
    )
  /** The columns are as wide as they can be, whatever stands in them. */
  const longest = async (database: Database) => {
    const rows = [
      ...(await database.query('SELECT * FROM audit_chain')),
      ...(await database.query('SELECT * FROM user_audit')),
    ]
    return Math.max(...rows.map(bytes))
  }
  const wholes = { title: 'ö😀'.repeat(31), privileged: true }

  test('the greatest role that there may be, and what it was before, each fit into a row', async (t) => {
    const { database, verified } = await openAudited(t, open)
    const wanted = (effect: 'allow' | 'approve'): Role => ({
      ...{ role: 'cashier', ...wholes },
      permissions: permissions(MAX_PERMISSIONS_PER_ROLE).map((permission) => ({ permission, effect })),
    })
    await define(database, wanted('approve'))
    await define(database, wanted('allow'))
    await remove(database, 'cashier')
    const found = await longest(database)
    assert.ok(found > 20_000 && found < LONGEST_ROW, `${found} bytes`)
    const [, , removed] = await chainOf(database, 'role', 'cashier')
    assert.equal(JSON.parse(String(removed?.before_json)).permissions.length, MAX_PERMISSIONS_PER_ROLE)
    assert.deepEqual((await verified()).places, [])
  })

  test('of a role that another program has made too great, only that it was is kept', async (t) => {
    const { database, verified } = await openAudited(t, open)
    await database.transaction((session) => insertRole(session, 'cashier', permissions(350)))
    await remove(database, 'cashier')
    const [row] = await chainOf(database, 'role', 'cashier')
    const kept = JSON.parse(String(row?.before_json))
    assert.equal(kept.title, 'cashier')
    assert.ok(kept.permissions.leftOut > 30_000)
    assert.ok((await longest(database)) < LONGEST_ROW)
    assert.deepEqual((await verified()).places, [])
  })

  test('whatever an older program has put into a preference comes back, in signs that every code set has', async (t) => {
    const { database, verified } = await openAudited(t, open)
    // At most 2,000 bytes, of which each becomes six at worst.
    const odd = `${'\u0001'.repeat(1_990)}€\ufffd`
    await database.execute(
      `INSERT INTO user_preferences (user_id, preference_key, preference_value) VALUES (1, 'theme', ?)`,
      [odd],
    )
    await prefer(database, 1, 'dark')
    const [row] = await chainOf(database)
    assert.match(String(row?.before_json), /^[\x20-\x7e]*$/)
    assert.equal(JSON.parse(String(row?.before_json))['preferences.theme'], odd)
    assert.ok((await longest(database)) < LONGEST_ROW)
    assert.deepEqual((await verified()).places, [])
  })
}

function racing(open: OpenRig): void {
  const many = (
    rig: { database: Database; other: Database },
    count: number,
    write: (at: Database, n: number) => unknown,
  ) => Promise.all(Array.from({ length: count }, (_, n) => write(n % 2 === 0 ? rig.database : rig.other, n)))

  /** To begin with, one after the other: of tables that are empty some databases lock more than a row. */
  const warm = async (database: Database, users: number) => {
    for (let userId = 1; userId <= users; userId += 1) await prefer(database, userId, 'first')
  }

  test('commands at two replicas on one user make one chain', async (t) => {
    const { rig, verified } = await openAudited(t, open)
    await many(rig, 20, (at, n) => prefer(at, 1, `v${n}`))
    const { entries, places } = await verified()
    assert.deepEqual([entries, places], [20, []])
    const rows = await chainOf(rig.database)
    const values = rows.map((row) => JSON.parse(String(row.event)).value)
    const befores = rows.map((row) => JSON.parse(String(row.before_json))?.['preferences.theme'] ?? null)
    assert.deepEqual(befores, [null, ...values.slice(0, -1)], 'each says what the one before has left')
  })

  test('commands on different users do not hinder each other', async (t) => {
    const { rig, verified } = await openAudited(t, open, 6)
    await warm(rig.database, 6)
    await many(rig, 24, (at, n) => prefer(at, (n % 6) + 1, `v${n}`))
    const { chains, entries, places } = await verified()
    assert.deepEqual([chains, entries, places], [6, 30, []])
  })

  test('at a role that was not there, and at a switch, one comes after the other', async (t) => {
    const { rig, verified } = await openAudited(t, open)
    await many(rig, 8, (at, n) => define(at, { ...CASHIER, title: `Title ${n}` }))
    await many(rig, 8, (at, n) => force(at, n % 4 === 3 ? null : `{"n":${n}}`))
    const { places } = await verified()
    assert.deepEqual(places, [])
    const titles = (await chainOf(rig.database, 'role', 'cashier')).map(
      (row) => JSON.parse(String(row.event)).role.title,
    )
    assert.equal(new Set(titles).size, 8)
  })

  test('who finds that another has just defined the same new role begins again', async (t) => {
    const { rig, database, verified } = await openAudited(t, open)
    let others = 0
    const overtaken = meddledWith(database, 'INSERT INTO roles', async (session) => {
      others += 1
      if (others === 1) await insertRole(session, 'cashier')
    })
    await define(overtaken, CASHIER)
    assert.equal((await chainOf(rig.database, 'role', 'cashier')).length, 1)
    assert.deepEqual((await verified()).places, [])
    const always = meddledWith(database, 'INSERT INTO roles', (session) => insertRole(session, 'baker'))
    await changingNothing(database, () =>
      assert.rejects(define(always, { ...CASHIER, role: 'baker' }), { code: 'busy' }),
    )
  })

  test('who has not locked what the entry is of is busy, and writes nothing', async (t) => {
    const { database } = await openAudited(t, open)
    const theirs = `VALUES ('user', '1', 1, '${ZEROS}', 0, '${ZEROS}')`
    const first = meddledWith(database, 'INSERT INTO audit_heads', (session) =>
      run(session, `INSERT INTO audit_heads (entity, entity_id, last_seq, last_hash, kept_seq, kept_hash) ${theirs}`),
    )
    await changingNothing(database, () => assert.rejects(prefer(first, 1, 'dark'), { code: 'busy' }))
    await prefer(database, 1, 'dark')
    for (const theirs of [
      `UPDATE audit_heads SET last_seq = 2`,
      `INSERT INTO audit_chain (audit_id, entity, entity_id, seq, content_hash, chain_hash)
       VALUES (77777, 'user', '1', 2, '${ZEROS}', '${ZEROS}')`,
    ]) {
      const beginning = theirs.startsWith('UPDATE') ? 'UPDATE audit_heads' : 'INSERT INTO audit_chain'
      const next = meddledWith(database, beginning, (session) => run(session, theirs))
      await changingNothing(database, () => assert.rejects(prefer(next, 1, 'light'), { code: 'busy' }))
    }
  })

  test('while commands go on, nothing is taken for broken', async (t) => {
    const { rig, verified } = await openAudited(t, open, 4)
    await warm(rig.database, 4)
    let writing = true
    const writers = [rig.database, rig.other].map(async (at, which) => {
      for (let n = 0; n < 15; n += 1) await prefer(at, (n % 2) * 2 + which + 1, `v${n}`)
    })
    const ended = Promise.all(writers).finally(() => {
      writing = false
    })
    let looks = 0
    while (writing) {
      assert.deepEqual((await verified()).places, [])
      looks += 1
      // A database in this process answers at once: without a turn of the event loop nobody else would come to write.
      await turn()
    }
    await ended
    assert.ok(looks > 0)
    assert.deepEqual(
      [(await verified()).entries, await numberOf(rig.database, 'SELECT COUNT(*) AS n FROM audit_chain')],
      [34, 34],
    )
  })
}

function reading(open: OpenRig): void {
  test('the newest comes first, page by page, with what each field was', async (t) => {
    const { rig, database } = await openAudited(t, open)
    await rawEntry(rig, '1')
    await prefer(database, 1, 'dark')
    await prefer(database, 2, 'other')
    await prefer(database, 1, 'light')
    await happen(database, 1, [{ ...of, type: 'role-granted', role: 'none', branchId: null }]).catch(() => undefined)
    const { history } = sqlAuditTrail(database)
    const first = await history(1, null, 2)
    assert.deepEqual(
      first?.entries.map(({ at, ...entry }) => entry),
      [
        ['preferences.theme', 'dark', 'light', 2],
        ['preferences.theme', null, 'dark', 1],
      ].map(([field, before, after, seq]) => ({
        ...{ seq, type: 'preference-set', subject: 'ada', client: 'hr', requestId: 'r-7', address: '10.0.0.7' },
        changes: [{ field, before, after }],
      })),
    )
    for (const { at } of first?.entries ?? []) assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    const second = await history(1, first?.next ?? 0, 2)
    assert.deepEqual(second, {
      entries: [
        {
          ...{ seq: null, at: '2020-01-01T00:00:00.000Z', type: 'user-suspended', subject: 'older', client: null },
          ...{ requestId: 'r0', address: '::1', changes: [{ field: 'status', before: null, after: 'suspended' }] },
        },
      ],
      next: null,
    })
    assert.equal((await history(1, null, 3))?.next, null, 'a full page that is the last says so')
  })

  test('who is gone keeps theirs; who was never heard of has none', async (t) => {
    const { database } = await openAudited(t, open)
    const { history } = sqlAuditTrail(database)
    await happen(database, 3, [{ ...of, userId: 3, type: 'user-suspended' }])
    await run(database, 'DELETE FROM users WHERE user_id = 3')
    assert.equal((await history(3, null, 10))?.entries.length, 1)
    assert.deepEqual(await history(2, null, 10), { entries: [], next: null })
    assert.equal(await history(77, null, 10), null)
    assert.deepEqual(await history(3, 1, 10), { entries: [], next: null })
  })

  test('what cannot be read is shown without what it says', async (t) => {
    const { database } = await openAudited(t, open)
    const { history } = sqlAuditTrail(database)
    for (const event of ['{"type":', 'null', '{"type":"user-registered"}']) {
      await prefer(database, 1, 'dark')
      await prefer(database, 1, 'light')
      await database.execute(`UPDATE user_audit SET event = ? WHERE event LIKE '%light%'`, [event])
    }
    const entries = (await history(1, null, 10))?.entries ?? []
    assert.deepEqual(
      entries.map(({ seq, changes }) => [seq, changes?.length ?? null]),
      [
        [6, null],
        [5, 1],
        [4, null],
        [3, 1],
        [2, null],
        [1, 1],
      ],
    )
    for (const { seq } of entries) assert.match(String(seq), /^[1-6]$/)
  })
}
