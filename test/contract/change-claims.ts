import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type SqlChanges, sqlChanges } from '../../src/adapters/sql/changes.ts'
import type { Claim } from '../../src/adapters/sql/claiming.ts'
import type { Database, Session } from '../../src/ports.ts'
import { until } from '../support/service.ts'
import { claims, endWaits, idsOf, insertChange, LEASE_MS, openFilled, subscribe, WRITTEN, waiting } from './feed-rig.ts'
import { gate, insertUser, type OpenRig, type Rig } from './rig.ts'

/** Some databases let them wait for one another: it is the looks that are to be many, and not the time. */
const SHORT_WAIT_MS = 1_000

export function changeClaimsContract(open: OpenRig): void {
  describe('claims of changes', () => {
    taking(open)
    sharing(open)
    losing(open)
    grouping(open)
    clashing(open)
  })
}

const workerOn = (database: Database, leaseMs = LEASE_MS) => sqlChanges(database, { leaseMs })

/** A claim of something; anything else fails the test. */
async function taken({ claim }: SqlChanges): Promise<Claim> {
  const answer = await claim()
  if (typeof answer === 'string') assert.fail(`the claim was answered with ${answer}`)
  return answer
}

const counters = ({ database }: Rig) =>
  database.query('SELECT change_id, claim, attempts, takeovers FROM change_claims ORDER BY change_id')

function taking(open: OpenRig): void {
  test('all that is free comes in the order of ids, at most 500, and says whether there is more', async (t) => {
    const rig = await openFilled(t, open, 503)
    const worker = workerOn(rig.database)
    const first = await taken(worker)
    assert.deepEqual([first.changes.length, first.changes.at(-1)?.changeId, first.more], [500, 500, true])
    assert.deepEqual(first.changes[0], {
      ...{ changeId: 1, entity: 'user', entityId: '1', changedAt: WRITTEN },
      ...{ attempts: 0, takeovers: 0 },
    })
    const second = await taken(worker)
    assert.deepEqual([idsOf(second.changes), second.more], [[501, 502, 503], false])
    assert.equal(await worker.claim(), 'none')
    assert.equal(await waiting(rig), 503)
  })

  test('exactly the given ids are forgotten, with their claims, 500 of them too', async (t) => {
    const rig = await openFilled(t, open, 503)
    const worker = workerOn(rig.database)
    const { claim } = await taken(worker)
    assert.equal(await worker.forget(claim, [2]), 0)
    assert.equal(await worker.forget(claim, [77_777]), 1)
    assert.deepEqual([await waiting(rig), await claims(rig)], [502, 499])
    const rest = Array.from({ length: 498 }, (_, index) => index + 3)
    assert.equal(await worker.forget(claim, rest), 0)
    assert.deepEqual([await waiting(rig), await claims(rig)], [4, 1])
    await assert.rejects(worker.forget(claim, [1, ...rest, 501, 502]), RangeError)
  })

  test('a change and its claim go together, or not at all', async (t) => {
    const rig = await openFilled(t, open, 2)
    const worker = workerOn(failingAt(rig.database, 'DELETE FROM entity_changes'))
    const { claim } = await taken(worker)
    await assert.rejects(worker.forget(claim, [1]), /planted/)
    assert.deepEqual([await waiting(rig), await claims(rig)], [2, 2])
  })

  test('what has not been committed is not there to be claimed', async (t) => {
    const rig = await open(t)
    if (rig.readersWait) return t.skip('a reader waits for whoever writes')
    const written = gate()
    const { passed, open: commit } = gate()
    rig.after(commit)
    const writing = rig.other.transaction(async (session) => {
      await insertUser(session, 1)
      written.open()
      await passed
    })
    await written.passed
    const worker = workerOn(rig.database)
    assert.equal(await worker.claim(), 'none')
    commit()
    await writing
    assert.equal((await taken(worker)).changes.length, 1)
  })

  test('looking at an empty outbox writes nothing, not even while another holds the database', async (t) => {
    const rig = await openFilled(t, open, 0)
    if (rig.readersWait) return t.skip('a reader waits for whoever writes')
    const begun = gate()
    const { passed, open: end } = gate()
    rig.after(end)
    const holding = rig.other.transaction(async (session) => {
      await insertChange({ database: session }, 1)
      begun.open()
      await passed
    })
    await begun.passed
    assert.equal(await workerOn(rig.database).claim(), 'none')
    end()
    await holding
  })
}

function sharing(open: OpenRig): void {
  test('workers that look at the same time never have the same change, and together have all', async (t) => {
    const rig = await openFilled(t, open, 2_003, { lockWaitMs: SHORT_WAIT_MS })
    const had: number[] = []
    const drain = async (database: Database) => {
      const worker = workerOn(database)
      // Refused as busy, a feed looks again as well: it has waited in vain for one of the others.
      const look = () => worker.claim().catch((error) => (error.code === 'busy' ? 'clash' : Promise.reject(error)))
      for (let answer = await look(); answer !== 'none'; answer = await look()) {
        if (answer !== 'clash') had.push(...idsOf(answer.changes))
      }
    }
    await Promise.all([rig.database, rig.other, rig.database, rig.other].map(drain))
    assert.equal(had.length, 2_003)
    assert.equal(new Set(had).size, 2_003)
  })

  test('feeds of two workers handle each change once', async (t) => {
    const rig = await openFilled(t, open, 1_500)
    const feeds = [rig.database, rig.other].map((database) => subscribe({ rig, database }))
    for (let id = 2_000; id < 2_100; id += 1) await insertChange(rig, id)
    await until('all are forgotten', async () => (await waiting(rig)) === 0)
    const handled = feeds.flatMap((feed) => feed.handled.flat())
    assert.equal(handled.length, 1_600)
    assert.equal(new Set(handled).size, 1_600)
    assert.equal(await claims(rig), 0)
  })
}

function losing(open: OpenRig): void {
  test('what a worker has that died is free when its lease has ended, and not before', async (t) => {
    const rig = await openFilled(t, open, 2)
    await taken(workerOn(rig.other, 1_000))
    const heir = workerOn(rig.database)
    assert.equal(await heir.claim(), 'none')
    const inherited = await until('it is free', async () => {
      const answer = await heir.claim()
      return typeof answer === 'string' ? null : answer
    })
    assert.deepEqual(
      inherited.changes.map(({ changeId, attempts, takeovers }) => [changeId, attempts, takeovers]),
      [
        [1, 0, 1],
        [2, 0, 1],
      ],
    )
  })

  test('a renewed claim holds on; one that was given back is not held again by it', async (t) => {
    const rig = await openFilled(t, open, 2)
    const worker = workerOn(rig.database)
    const { claim } = await taken(worker)
    await worker.release(claim, [2], { attempts: 0, afterMs: 0 })
    await endWaits(rig)
    await worker.renew(claim)
    assert.deepEqual(idsOf((await taken(workerOn(rig.other))).changes), [2])
  })

  test('what is given back can be taken at once or later, keeps its attempts, and is no takeover', async (t) => {
    const rig = await openFilled(t, open, 3)
    const worker = workerOn(rig.database)
    const { claim } = await taken(worker)
    assert.equal(await worker.release(claim, [1], { attempts: 1, afterMs: 0 }), 1)
    assert.equal(await worker.release(claim, [2], { attempts: 1, afterMs: 600_000 }), 1)
    assert.equal(await worker.release(claim, [3], { attempts: 0, afterMs: 0 }), 1)
    const other = workerOn(rig.other)
    const again = [await taken(other), await taken(other)].flatMap(({ changes }) => changes)
    assert.deepEqual(
      again.map(({ changeId, attempts, takeovers }) => [changeId, attempts, takeovers]),
      [
        [3, 0, 0],
        [1, 1, 0],
      ],
    )
    assert.equal(await other.claim(), 'none')
  })

  test('a worker that lost its claim gives nothing back, renews nothing, and forgets what it has handled', async (t) => {
    const rig = await openFilled(t, open, 2)
    const slow = workerOn(rig.database)
    const lost = await taken(slow)
    await endWaits(rig)
    const heir = await taken(workerOn(rig.other))
    assert.equal(await slow.release(lost.claim, [1, 2], { attempts: 1, afterMs: 0 }), 0)
    await slow.renew(lost.claim)
    const held = await counters(rig)
    assert.deepEqual(
      held.map((row) => [row.claim, row.attempts]),
      [
        [heir.claim, 0],
        [heir.claim, 0],
      ],
    )
    assert.equal(await slow.forget(lost.claim, [1]), 1)
    assert.deepEqual(
      (await counters(rig)).map((row) => row.change_id),
      [2],
    )
    assert.equal(await waiting(rig), 1)
  })

  test('claims whose change is gone are swept away when they are free; others stay', async (t) => {
    const rig = await openFilled(t, open, 4)
    const worker = workerOn(rig.database)
    const { claim } = await taken(worker)
    await worker.release(claim, [1, 3], { attempts: 0, afterMs: 0 })
    await rig.database.execute('DELETE FROM entity_changes WHERE change_id IN (1, 2)')
    await worker.sweep()
    assert.deepEqual(
      (await counters(rig)).map((row) => row.change_id),
      [2, 3, 4],
    )
    await endWaits(rig)
    await worker.sweep()
    await worker.sweep()
    assert.deepEqual(
      (await counters(rig)).map((row) => row.change_id),
      [3, 4],
    )
  })

  test('the oldest is the oldest of all, claimed or not', async (t) => {
    const rig = await open(t)
    const worker = workerOn(rig.database)
    assert.equal(await worker.oldest(), null)
    await insertChange(rig, 1, '2021-01-01 00:00:00.000')
    await taken(worker)
    await insertChange(rig, 2, '2022-01-01 00:00:00.000')
    assert.equal(await worker.oldest(), '2021-01-01 00:00:00.000')
  })
}

function grouping(open: OpenRig): void {
  test('the more often changes were left behind, the fewer are taken together, down to one', async (t) => {
    const rig = await openFilled(t, open, 500)
    const sizes: number[] = []
    for (let life = 0; life < 6; life += 1) {
      sizes.push((await taken(workerOn(rig.database))).changes.length)
      await rig.database.execute(`DELETE FROM entity_changes WHERE change_id > ${sizes.at(-1)}`)
      await endWaits(rig)
    }
    assert.deepEqual(sizes, [500, 60, 8, 1, 1, 1])
    assert.deepEqual(
      (await counters(rig)).filter((row) => row.change_id === 1).map((row) => row.takeovers),
      [5],
    )
  })

  test('the untried and the tried take turns', async (t) => {
    const rig = await openFilled(t, open, 2)
    const worker = workerOn(rig.database)
    const { claim } = await taken(worker)
    await worker.release(claim, [1, 2], { attempts: 1, afterMs: 0 })
    for (const id of [3, 4]) await insertChange(rig, id)
    const next = workerOn(rig.database)
    const turns: number[][] = []
    for (let turn = 0; turn < 2; turn += 1) {
      const { claim, changes, more } = await taken(next)
      turns.push(idsOf(changes))
      assert.equal(more, true)
      // As if others had come at once.
      await next.release(claim, idsOf(changes), { attempts: 0, afterMs: 0 })
    }
    assert.deepEqual(turns, [
      [3, 4],
      [1, 2],
    ])
  })
}

function clashing(open: OpenRig): void {
  const CLAIM_OF_ANOTHER = `INSERT INTO change_claims (change_id, claim, free_at, attempts, takeovers)
    VALUES (2, 'another', '9999-01-01 00:00:00.000', 0, 0)`
  const TAKEN_BY_ANOTHER = `UPDATE change_claims SET free_at = '9999-01-01 00:00:00.000' WHERE change_id = 2`

  for (const [what, before, first] of [
    ['claims one of them first', 'INSERT INTO change_claims', CLAIM_OF_ANOTHER],
    ['takes one of them over first', 'UPDATE change_claims', TAKEN_BY_ANOTHER],
    ['has handled one of them', 'INSERT INTO change_claims', 'DELETE FROM entity_changes WHERE change_id = 2'],
  ] as const) {
    test(`when another worker ${what}, nothing is claimed, and the next look finds what is free`, async (t) => {
      const rig = await openFilled(t, open, 3)
      let clashes = 1
      const database = meddledWith(rig.database, before, async (session) => {
        clashes -= 1
        if (clashes >= 0) await session.execute(first)
      })
      const worker = workerOn(database)
      assert.equal(await worker.claim(), 'clash')
      assert.equal(await claims(rig), 0)
      assert.deepEqual(idsOf((await taken(worker)).changes), [1, 2, 3])
    })
  }

  test('a feed that met another looks again soon, without a poll, and counts no outage', async (t) => {
    const rig = await openFilled(t, open, 3)
    let clashes = 3
    const { handled, counts } = subscribe({
      rig,
      pollMs: 600_000,
      outbox: ({ claim }) => ({
        claim: async () => {
          clashes -= 1
          return clashes >= 0 ? 'clash' : claim()
        },
      }),
    })
    await until('all are handled', async () => handled.length > 0)
    assert.deepEqual([handled, counts.waited], [[[1, 2, 3]], 0])
  })
}

/** Runs `first` in the transaction just before a statement that begins so: what another worker's commit would change. */
export function meddledWith(
  database: Database,
  beginning: string,
  first: (session: Session) => Promise<unknown>,
): Database {
  return {
    ...database,
    transaction: (work) =>
      database.transaction((session) =>
        work({
          ...session,
          execute: async (sql, params) => {
            if (sql.startsWith(beginning)) await first(session)
            return session.execute(sql, params)
          },
        }),
      ),
  }
}

export function failingAt(database: Database, beginning: string): Database {
  return meddledWith(database, beginning, () => Promise.reject(new Error('planted')))
}
