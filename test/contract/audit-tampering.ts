import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { comparedEnd } from '../../src/adapters/sql/audit-heads.ts'
import type { AuditReads } from '../../src/adapters/sql/audit-links.ts'
import { expireBefore } from '../../src/adapters/sql/audit-retention.ts'
import type { ChainEnd, Unchained, VerifiedUpTo, VerifySteps } from '../../src/ports/audit-trail.ts'
import type { Session, SqlRow, SqlValue } from '../../src/ports.ts'
import {
  CASHIER,
  chainOf,
  define,
  endsOf,
  force,
  happen,
  momentLater,
  openAudited,
  prefer,
  rawEntry,
  remove,
  unchainedOf,
  verified,
} from './audit-rig.ts'
import { type OpenRig, type Owner, type Rig, run } from './rig.ts'

/** `found`: the places that `verify` names; none: only against ends that were kept elsewhere, as `against` says. */
type Fault = {
  name: string
  plant(session: Session): Promise<unknown>
  found: string[]
  against?: string[]
}

const FOREVER = '2030-01-01 00:00:00.000'
const OTHER_HASH = 'f'.repeat(64)
const digest = (...parts: unknown[]) => createHash('sha256').update(JSON.stringify(parts)).digest('hex')

/** One entry, by its user and place. */
async function at(session: Session, seq: number, id = '1'): Promise<SqlRow> {
  const row = (await chainOf(session, 'user', id)).find((one) => one.seq === seq)
  return row ?? assert.fail(`no entry ${seq}`)
}
const change = (set: string, table: 'user_audit' | 'audit_chain', seq: number) => async (session: Session) => {
  const { audit_id: id } = await at(session, seq)
  await session.execute(`UPDATE ${table} SET ${set} WHERE audit_id = ?`, [id ?? 0])
}
async function removePlace(session: Session, seq: number, tables = ['audit_chain', 'user_audit']): Promise<void> {
  const { audit_id: id } = await at(session, seq)
  for (const table of tables) await session.execute(`DELETE FROM ${table} WHERE audit_id = ?`, [id ?? 0])
}
const all = async (session: Session, table: string, sql: string) =>
  run(session, `UPDATE ${table} SET ${sql} WHERE entity = 'user' AND entity_id = '1'`)

/** Another actor from this place on, and every hash made anew: what somebody does who knows how they are made. */
async function rewrite(session: Session, from: number, to: number): Promise<string> {
  let previous: unknown = (await at(session, from - 1)).chain_hash
  for (let seq = from; seq <= to; seq += 1) {
    const row = await at(session, seq)
    const actor = seq === from ? 'mallory' : row.actor
    const who = [row.event_type, actor, row.client, row.request_id, row.recorded_at]
    previous = digest(previous, seq, 'user', '1', ...who, row.content_hash)
    await session.execute('UPDATE user_audit SET actor = ? WHERE audit_id = ?', [actor ?? '', row.audit_id ?? 0])
    await session.execute('UPDATE audit_chain SET chain_hash = ? WHERE audit_id = ?', [
      String(previous),
      row.audit_id ?? 0,
    ])
  }
  return String(previous)
}

async function swapPlaces(session: Session, a: number, b: number): Promise<void> {
  const [one, other] = [await at(session, a), await at(session, b)]
  for (const [row, seq] of [
    [one, 99],
    [other, a],
    [one, b],
  ] as const)
    await session.execute('UPDATE audit_chain SET seq = ? WHERE audit_id = ?', [seq, row.audit_id ?? 0])
}

async function swapContents(session: Session, a: number, b: number): Promise<void> {
  const [one, other] = [await at(session, a), await at(session, b)]
  await session.execute('UPDATE user_audit SET event = ? WHERE audit_id = ?', [other.event ?? '', one.audit_id ?? 0])
  await session.execute('UPDATE user_audit SET event = ? WHERE audit_id = ?', [one.event ?? '', other.audit_id ?? 0])
}

/** A copy of the newest entry, with whatever of it is to be otherwise. */
async function insert(session: Session, seq: number | null): Promise<void> {
  const { event_type, event, actor, recorded_at } = await at(session, 5)
  await session.execute(
    `INSERT INTO user_audit (audit_id, entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
     VALUES (77777, 'user', '1', ?, ?, ?, 'r', '::1', ?)`,
    [event_type ?? '', event ?? '', actor ?? '', recorded_at ?? ''],
  )
  if (seq === null) return
  await session.execute(
    `INSERT INTO audit_chain (audit_id, entity, entity_id, seq, salt, content_hash, chain_hash)
     VALUES (77777, 'user', '1', ?, 'aa', ?, ?)`,
    [seq, OTHER_HASH, OTHER_HASH],
  )
}

async function shift(session: Session, from: number): Promise<void> {
  for (let seq = 5; seq >= from; seq -= 1)
    await session.execute('UPDATE audit_chain SET seq = ? WHERE audit_id = ?', [
      seq + 1,
      (await at(session, seq)).audit_id ?? 0,
    ])
}

const erase = (set: string) => async (session: Session) => {
  const { audit_id: id } = await at(session, 3)
  await session.execute(`UPDATE user_audit SET event = '{"erased":true}', address = '-' WHERE audit_id = ?`, [id ?? 0])
  await session.execute(`UPDATE audit_chain SET ${set} WHERE audit_id = ?`, [id ?? 0])
}

/** As retention does with the oldest of a chain, up to this place. */
async function removeUpTo(session: Session, seq: number): Promise<void> {
  const { chain_hash: hash } = await at(session, seq)
  for (let n = 1; n <= seq; n += 1) await removePlace(session, n)
  await all(session, 'audit_heads', `kept_seq = ${seq}, kept_hash = '${hash}'`)
}

/** User 1 has the places 1 to 5, user 2 and the role have three each, the switch has one. */
const FAULTS: Fault[] = [
  {
    name: 'a changed event',
    plant: change(`event = '{"type":"user-suspended","userId":1}'`, 'user_audit', 3),
    found: ['user 1 3 content-differs'],
  },
  { name: 'a changed address', plant: change(`address = '::2'`, 'user_audit', 3), found: ['user 1 3 content-differs'] },
  {
    name: 'another value of before',
    plant: change(`before_json = '{"preferences.theme":"x"}'`, 'audit_chain', 3),
    found: ['user 1 3 content-differs'],
  },
  {
    name: 'no value of before',
    plant: change('before_json = NULL', 'audit_chain', 3),
    found: ['user 1 3 content-differs'],
  },
  { name: 'another salt', plant: change(`salt = 'aa'`, 'audit_chain', 3), found: ['user 1 3 content-differs'] },
  {
    name: 'a changed event, and its hash made anew',
    async plant(session) {
      const { audit_id: id, salt, before_json: before, address } = await at(session, 3)
      const content = digest(salt, '{}', before, address)
      await session.execute(`UPDATE user_audit SET event = '{}' WHERE audit_id = ?`, [id ?? 0])
      await session.execute('UPDATE audit_chain SET content_hash = ? WHERE audit_id = ?', [content, id ?? 0])
    },
    found: ['user 1 3 hash-differs'],
  },
  ...(
    [
      [`actor = 'mallory'`, 'user_audit'],
      [`recorded_at = '${FOREVER}'`, 'user_audit'],
      [`request_id = 'r-8'`, 'user_audit'],
      [`event_type = 'preference-removed'`, 'user_audit'],
      [`client = 'till'`, 'audit_chain'],
      ['client = NULL', 'audit_chain'],
    ] as const
  ).map(
    ([set, table]): Fault => ({
      name: `changed: ${set}`,
      plant: change(set, table, 3),
      found: ['user 1 3 hash-differs'],
    }),
  ),
  { name: 'an entry of the middle removed', plant: (s) => removePlace(s, 3), found: ['user 1 3 missing'] },
  {
    name: 'the oldest ones removed',
    plant: async (s) => {
      await removePlace(s, 1)
      await removePlace(s, 2)
    },
    found: ['user 1 1 missing'],
  },
  {
    name: 'an entry removed, and not its place',
    plant: (s) => removePlace(s, 3, ['user_audit']),
    found: ['user 1 3 entry-missing'],
  },
  { name: 'the newest removed', plant: (s) => removePlace(s, 5), found: ['user 1 5 newest-missing'] },
  {
    name: 'the newest removed, and the end moved back',
    async plant(session) {
      const { chain_hash: hash } = await at(session, 4)
      await removePlace(session, 5)
      await all(session, 'audit_heads', `last_seq = 4, last_hash = '${hash}'`)
    },
    found: [],
    against: ['user 1 5 shortened'],
  },
  {
    name: 'all of a chain removed',
    plant: async (s) => {
      for (const table of ['user_audit', 'audit_chain', 'audit_heads'])
        await run(s, `DELETE FROM ${table} WHERE entity = 'user' AND entity_id = '1'`)
    },
    found: [],
    against: ['user 1 5 shortened', 'outside of chains'],
  },
  {
    name: 'all of a chain removed but its end',
    plant: async (s) => {
      for (const table of ['user_audit', 'audit_chain'])
        await run(s, `DELETE FROM ${table} WHERE entity = 'user' AND entity_id = '1'`)
    },
    found: ['user 1 1 newest-missing'],
  },
  {
    name: 'all of a chain removed, as if for its age',
    plant: (s) => removeUpTo(s, 5),
    found: ['user 1 5 removed'],
    against: ['user 1 5 removed'],
  },
  {
    name: 'the oldest ones removed, as if for their age',
    plant: (s) => removeUpTo(s, 2),
    found: ['user 1 2 removed'],
    against: ['user 1 2 removed'],
  },
  {
    name: 'an entry slipped in before all that are chained',
    plant: (s) =>
      run(
        s,
        `INSERT INTO user_audit (audit_id, entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
         VALUES (-5, 'user', '1', 'user-suspended', '{}', 'mallory', 'r', '::1', '2020-01-01 00:00:00.000')`,
      ),
    found: [],
    against: ['outside of chains'],
  },
  {
    name: 'another actor of an entry from before entries were chained',
    plant: (s) => run(s, `UPDATE user_audit SET actor = 'mallory' WHERE actor = 'older'`),
    found: [],
    against: ['outside of chains'],
  },
  {
    name: 'two places exchanged',
    plant: (s) => swapPlaces(s, 2, 3),
    found: ['user 1 2 hash-differs', 'user 1 3 hash-differs', 'user 1 4 hash-differs'],
  },
  {
    name: 'what two entries say exchanged',
    plant: (s) => swapContents(s, 2, 3),
    found: ['user 1 2 content-differs', 'user 1 3 content-differs'],
  },
  { name: 'an entry inserted, without a place', plant: (s) => insert(s, null), found: ['user 1 #77777 not-chained'] },
  { name: 'an entry inserted behind the newest', plant: (s) => insert(s, 6), found: ['user 1 6 beyond-head'] },
  {
    name: 'an entry inserted in the middle',
    async plant(session) {
      await shift(session, 3)
      await insert(session, 3)
      await all(session, 'audit_heads', 'last_seq = 6')
    },
    found: [
      ...['user 1 3 content-differs', 'user 1 3 hash-differs'],
      ...['user 1 4 hash-differs', 'user 1 5 hash-differs', 'user 1 6 hash-differs'],
    ],
  },
  {
    name: 'an entry given to another user',
    plant: change(`entity_id = '2'`, 'user_audit', 3),
    found: ['user 1 3 of-another'],
  },
  {
    name: 'an entry given to another user, with its place',
    async plant(session) {
      const { audit_id: id } = await at(session, 5)
      await session.execute(`UPDATE user_audit SET entity_id = '2' WHERE audit_id = ?`, [id ?? 0])
      await session.execute(`UPDATE audit_chain SET entity_id = '2', seq = 4 WHERE audit_id = ?`, [id ?? 0])
    },
    found: ['user 1 5 newest-missing', 'user 2 4 beyond-head'],
  },
  {
    name: 'two users’ entries exchanged',
    async plant(session) {
      const [one, other] = [await at(session, 3), await at(session, 3, '2')]
      await session.execute(`UPDATE user_audit SET entity_id = '2' WHERE audit_id = ?`, [one.audit_id ?? 0])
      await session.execute(`UPDATE user_audit SET entity_id = '1' WHERE audit_id = ?`, [other.audit_id ?? 0])
      await session.execute('UPDATE audit_chain SET seq = 99 WHERE audit_id = ?', [one.audit_id ?? 0])
      await session.execute(`UPDATE audit_chain SET entity_id = '1' WHERE audit_id = ?`, [other.audit_id ?? 0])
      await session.execute(`UPDATE audit_chain SET entity_id = '2', seq = 3 WHERE audit_id = ?`, [one.audit_id ?? 0])
    },
    found: ['user 1 3 hash-differs', 'user 1 4 hash-differs', 'user 2 3 hash-differs', 'user 2 3 head-differs'],
  },
  {
    name: 'another end',
    plant: (s) => all(s, 'audit_heads', `last_hash = '${OTHER_HASH}'`),
    found: ['user 1 5 head-differs'],
  },
  {
    name: 'an earlier end',
    plant: (s) => all(s, 'audit_heads', 'last_seq = 4'),
    found: ['user 1 4 head-differs', 'user 1 5 beyond-head'],
  },
  { name: 'a later end', plant: (s) => all(s, 'audit_heads', 'last_seq = 6'), found: ['user 1 6 newest-missing'] },
  {
    name: 'no end',
    plant: (s) => run(s, `DELETE FROM audit_heads WHERE entity_id = '1'`),
    found: ['user 1 5 no-head'],
  },
  {
    name: 'a later beginning',
    plant: (s) => all(s, 'audit_heads', 'kept_seq = 2'),
    found: ['user 1 1 out-of-place', 'user 1 2 out-of-place', 'user 1 2 removed', 'user 1 3 hash-differs'],
  },
  {
    name: 'another beginning',
    plant: (s) => all(s, 'audit_heads', `kept_hash = '${OTHER_HASH}'`),
    found: ['user 1 1 hash-differs'],
  },
  {
    name: 'another actor, and the hash of that place made anew',
    plant: (s) => rewrite(s, 3, 3),
    found: ['user 1 4 hash-differs'],
  },
  {
    name: 'another actor of the newest, and its hash made anew',
    plant: (s) => rewrite(s, 5, 5),
    found: ['user 1 5 head-differs'],
  },
  {
    name: 'another actor, and all hashes made anew to the end',
    async plant(session) {
      await all(session, 'audit_heads', `last_hash = '${await rewrite(session, 3, 5)}'`)
    },
    found: [],
    against: ['user 1 5 rewritten'],
  },
  {
    name: 'data erased, and not said so',
    plant: erase('before_json = NULL, salt = NULL'),
    found: ['user 1 3 erased-unsaid'],
  },
  { name: 'data erased by halves', plant: erase('before_json = NULL'), found: ['user 1 3 content-differs'] },
  {
    name: 'something said in place of what was erased',
    async plant(session) {
      await erase('salt = NULL')(session)
      await change(`event = '{"type":"user-suspended"}'`, 'user_audit', 3)(session)
    },
    found: ['user 1 3 content-differs', 'user 1 3 erased-unsaid'],
  },
  {
    name: 'a changed entry of a role, and one of a switch',
    plant: (s) =>
      run(s, `UPDATE user_audit SET actor = 'mallory' WHERE entity <> 'user' AND event_type <> 'role-removed'`),
    found: ['breaker people-service 1 hash-differs', ...['role cashier 1 hash-differs', 'role cashier 2 hash-differs']],
  },
]

async function openForged(t: Owner, open: OpenRig) {
  const { rig, database, reads } = await openAudited(t, open)
  await rawEntry(rig, '1')
  for (let n = 1; n <= 5; n += 1) await prefer(database, 1, `v${n}`)
  for (let n = 1; n <= 3; n += 1) await prefer(database, 2, `v${n}`)
  await define(database, CASHIER)
  await define(database, { ...CASHIER, title: 'Till' })
  await remove(database, 'cashier')
  await force(database, '{"a":1}')
  return { rig, reads, ends: await endsOf(reads), outside: await unchainedOf(reads) }
}

/** One chain of three entries, and the times at which a first and a second of them have become old. */
async function openMoving(t: Owner, open: OpenRig) {
  const { rig, database, reads } = await openAudited(t, open, 1)
  const rounds: string[] = []
  for (const value of ['a', 'b', 'c']) {
    if (value !== 'a') rounds.push(await momentLater(database))
    await prefer(database, 1, value)
  }
  return { rig, reads, rounds }
}

type Kept = { ends: ChainEnd[]; outside: Unchained }

/** `removedBefore`: what is older may have been removed. */
async function compared(session: Session, { database }: Rig, kept: Kept, removedBefore: string | null = null) {
  const reads = { scan: session, dialect: database.dialect }
  const found: string[] = []
  for (const end of kept.ends) {
    const broken = await comparedEnd(reads, end, removedBefore)
    if (broken) found.push(`${broken.entity} ${broken.entityId} ${broken.seq} ${broken.what}`)
  }
  const { count, hash } = await unchainedOf(reads)
  if (count !== kept.outside.count || hash !== kept.outside.hash) found.push('outside of chains')
  return found
}

type Page = { upTo: VerifiedUpTo; places: number; chains: number }
/** Notes where each page has ended, and what was found and counted up to there. */
function steps(from: VerifiedUpTo | null, pages: Page[]): VerifySteps {
  return {
    from,
    reached: async (upTo, rows, { broken, chains }) => {
      assert.ok(rows > 0)
      pages.push({ upTo, places: broken, chains })
    },
  }
}

/** Every fault is planted on the same database, in a transaction that is undone. */
export function auditTamperingContract(open: OpenRig): void {
  describe('audit, forged', () => {
    test('as it was written it is whole, also by itself one user’s and one kind’s', async (t) => {
      const { rig, reads, ends, outside } = await openForged(t, open)
      const counts = { chains: 4, entries: 12, erased: 0, unchained: 1, broken: 0, places: [] }
      assert.deepEqual(await verified(reads), counts)
      assert.deepEqual(await verified(reads, { of: { entity: 'user', id: '2' } }), {
        ...{ ...counts, chains: 1, entries: 3, unchained: 0 },
      })
      assert.deepEqual(await verified(reads, { of: { entity: 'role' } }), {
        ...{ ...counts, chains: 1, entries: 3, unchained: 0 },
      })
      assert.deepEqual(await verified(reads, { of: { entity: 'user', id: '77' } }), {
        ...{ ...counts, chains: 0, entries: 0, unchained: 0 },
      })
      assert.deepEqual(
        ends.map(({ entity, entityId, seq }) => `${entity} ${entityId} ${seq}`),
        ['breaker people-service 1', 'role cashier 3', 'user 1 5', 'user 2 3'],
      )
      assert.deepEqual(await compared(rig.database, rig, { ends, outside }), [])
    })

    test('every fault is found where it is, and nothing else', async (t) => {
      const { rig, ...kept } = await openForged(t, open)
      const undone = new Error('undone')
      for (const { name, plant, found, against } of FAULTS) {
        const planted = rig.database.transaction(async (session) => {
          await plant(session)
          const seen = await verified({ scan: session, dialect: rig.database.dialect }, { mayBeRemoved: false })
          assert.deepEqual(seen.places.toSorted(), found.toSorted(), name)
          if (against) assert.deepEqual(await compared(session, rig, kept), against, name)
          throw undone
        })
        await assert.rejects(planted, (error) => {
          if (error !== undone) throw error
          return true
        })
      }
      assert.deepEqual((await verified({ scan: rig.database, dialect: rig.database.dialect })).places, [])
    })

    test('where old entries are removed, only what was removed before its time is seen, and against ends that were kept', async (t) => {
      const { rig, reads, ...kept } = await openForged(t, open)
      await rig.database.transaction((session) => removeUpTo(session, 5))
      assert.deepEqual((await verified(reads, { mayBeRemoved: true })).places, [])
      const against = (removedBefore: string | null) => compared(rig.database, rig, kept, removedBefore)
      assert.deepEqual(await against(FOREVER), [])
      const { at: recordedAt } = kept.ends.find(({ entityId }) => entityId === '1') ?? assert.fail()
      assert.deepEqual(await against(recordedAt), ['user 1 5 removed-early'])
      assert.deepEqual(await against(null), ['user 1 5 removed'])
      const now = await endsOf(reads)
      const end = now.find(({ entityId }) => entityId === '1')
      assert.deepEqual([end?.seq, end?.keptSeq, end?.at], [5, 5, null])
      assert.deepEqual(await compared(rig.database, rig, { ...kept, ends: now }), [], 'what was gone then is no news')
    })

    test('a fault is found of the one who is asked about, whoever else is broken', async (t) => {
      const { rig, reads } = await openForged(t, open)
      await run(rig.database, `UPDATE user_audit SET actor = 'mallory' WHERE event LIKE '%"v3"%'`)
      for (const id of ['1', '2']) {
        const { places } = await verified(reads, { of: { entity: 'user', id } })
        assert.deepEqual(places, [`user ${id} 3 hash-differs`])
      }
      await run(rig.database, `DELETE FROM audit_heads WHERE entity_id = '2'`)
      assert.deepEqual((await verified(reads, { of: { entity: 'user', id: '2' } })).places, ['user 2 3 no-head'])
      assert.deepEqual((await verified(reads, { of: { entity: 'role' } })).places, [])
    })

    test('entries that an earlier release has written beside this one are let pass up to a time', async (t) => {
      const { rig, reads } = await openForged(t, open)
      await rig.database.execute(
        `INSERT INTO user_audit (audit_id, entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
         VALUES (77777, 'user', '3', 'user-suspended', '{}', 'older', 'r', '::1', '2024-01-01 10:00:00.000')`,
      )
      const place = 'user 3 #77777 not-chained'
      assert.deepEqual((await verified(reads)).places, [place])
      const until = async (unchainedBefore: string) => (await verified(reads, { unchainedBefore })).places
      assert.deepEqual(await until('2024-01-01T10:00:00.000Z'), [place])
      assert.deepEqual(await until('2024-01-01T10:00:00.001Z'), [])
    })

    test('broken off after any page, and gone on from there, nothing is left out', async (t) => {
      const { database, reads } = await openAudited(t, open, 120)
      await define(database, CASHIER)
      const long = Array.from({ length: 520 }, (_, n) => ({
        ...{ type: 'preference-set' as const, userId: 7, at: '2024-06-01T09:00:00.000Z', key: 'theme' },
        value: `v${n}`,
      }))
      await happen(database, 7, long)
      for (let userId = 1; userId <= 120; userId += 1) if (userId !== 7) await prefer(database, userId, 'dark')
      for (const id of ['10', '99']) await run(database, `UPDATE user_audit SET actor = 'm' WHERE entity_id = '${id}'`)
      await run(database, `DELETE FROM audit_heads WHERE entity_id = '120'`)
      await rawEntry({ database }, '3')
      const expected = ['10 1 hash-differs', '120 1 no-head', '3 # not-chained', '99 1 hash-differs']
      const places = (found: string[]) =>
        [...new Set(found)].map((place) => place.replace('user ', '').replace(/#\d+/, '#')).sort()
      const pages: Page[] = []
      const whole = await verified(reads, {}, steps(null, pages))
      assert.deepEqual([places(whole.places), whole.chains], [expected, 120])
      for (const part of ['chains', 'entries', 'places'])
        assert.ok(pages.filter(({ upTo }) => upTo.part === part).length >= 2, part)
      for (const page of pages) {
        const rest = await verified(reads, {}, steps(page.upTo, []))
        const at = JSON.stringify(page.upTo)
        assert.deepEqual(places([...whole.places.slice(0, page.places), ...rest.places]), expected, at)
        assert.equal(page.chains + rest.chains, whole.chains, at)
      }
    })

    test('what is only being moved while it is looked at is not taken for broken', async (t) => {
      const { rig, reads, rounds } = await openMoving(t, open)
      let looks = 0
      const moving: AuditReads = {
        ...reads,
        scan: {
          // After the end of the chain was read, and before its entries are.
          query: async <Row extends SqlRow>(sql: string, params?: SqlValue[]) => {
            if (sql.includes('LEFT OUTER JOIN user_audit')) {
              const before = rounds[looks]
              looks += 1
              if (before !== undefined) await expireBefore(rig.other, before)
            }
            return reads.scan.query<Row>(sql, params)
          },
        },
      }
      const { places, entries } = await verified(moving)
      assert.deepEqual([places, entries], [[], 1])
      assert.equal(looks, rounds.length + 1)
    })

    test('however many chains and entries there are, each is looked at', async (t) => {
      const { database, reads } = await openAudited(t, open, 120)
      const long = Array.from({ length: 230 }, (_, n) => ({
        ...{ type: 'preference-set' as const, userId: 7, at: '2024-06-01T09:00:00.000Z', key: 'theme' },
        value: `v${n}`,
      }))
      await happen(database, 7, long)
      for (let userId = 1; userId <= 120; userId += 1) if (userId !== 7) await prefer(database, userId, 'dark')
      const { chains, entries, places } = await verified(reads)
      assert.deepEqual([chains, entries, places], [120, 349, []])
      for (const [id, seq] of [
        ['7', 1],
        ['7', 229],
        ['99', 1],
        ['120', 1],
      ] as const) {
        const { audit_id: auditId } = await at(database, seq, id)
        await database.execute(`UPDATE user_audit SET actor = 'mallory' WHERE audit_id = ?`, [auditId ?? 0])
        assert.deepEqual((await verified(reads)).places, [`user ${id} ${seq} hash-differs`])
        await database.execute(`UPDATE user_audit SET actor = 'ada' WHERE audit_id = ?`, [auditId ?? 0])
      }
      assert.equal((await endsOf(reads)).length, 120)
    })
  })
}
