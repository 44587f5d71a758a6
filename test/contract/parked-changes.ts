import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_MOVED, sqlParked } from '../../src/adapters/sql/parked.ts'
import { failingAt } from './change-claims.ts'
import { claims, endWaits, holdAll, insertChange, openFilled, WRITTEN, waiting } from './feed-rig.ts'
import { numberOf, type OpenRig, type Rig, truthOf } from './rig.ts'

const FAULT = { error: 'TypeError at src/projections/user/project.ts:41', attempts: 6 }

export function parkedChangesContract(open: OpenRig): void {
  describe('parked changes', () => {
    parking(open)
    deciding(open)
  })
}

/** `count` changes, all claimed. */
async function claimed(t: Parameters<OpenRig>[0], open: OpenRig, count: number) {
  const rig = await openFilled(t, open, count)
  const { held } = await holdAll(rig)
  const { park, ...parked } = sqlParked(rig.database)
  const change = (id: number) => ({ changeId: id, entity: 'user' as const, entityId: String(id), changedAt: WRITTEN })
  return {
    rig,
    ...parked,
    park: (id: number) => park({ claim: held.claim, change: change(id), ...FAULT }),
    change,
    held,
  }
}
const rowsOf = async (rig: Rig) => [
  await waiting(rig),
  await claims(rig),
  await numberOf(rig.database, 'SELECT COUNT(*) AS n FROM parked_changes'),
]

function parking(open: OpenRig): void {
  test('a parked change has moved out of the outbox, with its claim', async (t) => {
    const { rig, park, list } = await claimed(t, open, 2)
    const before = await truthOf(rig).now()
    assert.equal(await park(1), true)
    assert.deepEqual(await rowsOf(rig), [1, 1, 1])
    const [change, ...others] = await list(0, 10)
    assert.deepEqual(others, [])
    assert.deepEqual(
      { ...change, parkedAt: '' },
      { changeId: 1, entity: 'user', entityId: '1', changedAt: WRITTEN, ...FAULT, parkedAt: '' },
    )
    const times = [before, change?.parkedAt ?? '', await truthOf(rig).now()]
    assert.deepEqual(times, times.toSorted())
  })

  test('what fails half way has moved nothing', async (t) => {
    const { rig, change, held } = await claimed(t, open, 1)
    const { park } = sqlParked(failingAt(rig.database, 'INSERT INTO parked_changes'))
    await assert.rejects(park({ claim: held.claim, change: change(1), ...FAULT }), /planted/)
    assert.deepEqual(await rowsOf(rig), [1, 1, 0])
  })

  test('what another worker has taken over, or has handled, is not parked', async (t) => {
    const { rig, park } = await claimed(t, open, 2)
    await rig.database.execute('DELETE FROM entity_changes WHERE change_id = 2')
    assert.equal(await park(2), false)
    await endWaits(rig)
    await holdAll(rig)
    assert.equal(await park(1), false)
    assert.deepEqual(await rowsOf(rig), [1, 1, 0])
  })

  test('a number that a restored database gives again replaces the old parking; errors are cut', async (t) => {
    const { rig, change, held, list, park } = await claimed(t, open, 1)
    await park(1)
    await insertChange(rig, 1, '2021-01-01 00:00:00.000')
    const again = await holdAll(rig)
    const long = { claim: again.held.claim, change: change(1), error: 'x'.repeat(1_000), attempts: 7 }
    assert.notEqual(again.held.claim, held.claim)
    assert.equal(await sqlParked(rig.database).park(long), true)
    const [parked, ...others] = await list(0, 10)
    assert.deepEqual([parked?.attempts, parked?.error.length, others.length], [7, 255, 0])
  })
}

function deciding(open: OpenRig): void {
  test('they are listed oldest first, by pages, and counted', async (t) => {
    const { park, list, count } = await claimed(t, open, 5)
    for (const id of [4, 1, 3, 2, 5]) await park(id)
    const ids = async (after: number, limit: number) => (await list(after, limit)).map(({ changeId }) => changeId)
    assert.deepEqual([await ids(0, 2), await ids(2, 2), await ids(4, 2), await ids(5, 2)], [[1, 2], [3, 4], [5], []])
    assert.equal(await count(), 5)
  })

  test('what is retried is in the outbox again under its number, untried, and written now', async (t) => {
    const { rig, park, retry } = await claimed(t, open, 3)
    for (const id of [1, 2, 3]) await park(id)
    const before = await truthOf(rig).now()
    assert.equal(await retry([1, 3, 99]), 2)
    assert.deepEqual(await rowsOf(rig), [2, 0, 1])
    const { held } = await holdAll(rig)
    assert.deepEqual(
      held.changes.map(({ changeId, entityId, attempts, takeovers }) => [changeId, entityId, attempts, takeovers]),
      [
        [1, '1', 0, 0],
        [3, '3', 0, 0],
      ],
    )
    for (const { changedAt } of held.changes) assert.ok(changedAt >= before, changedAt)
    assert.equal(await retry([1]), 0)
  })

  test('a retry that fails half way has moved nothing', async (t) => {
    const { rig, park } = await claimed(t, open, 1)
    await park(1)
    const { retry } = sqlParked(failingAt(rig.database, 'DELETE FROM parked_changes'))
    await assert.rejects(retry([1]), /planted/)
    assert.deepEqual(await rowsOf(rig), [0, 0, 1])
  })

  test('of two who retry the same at once, one does', async (t) => {
    const { rig, park } = await claimed(t, open, 2)
    for (const id of [1, 2]) await park(id)
    const moved = await Promise.all([rig.database, rig.other].map((database) => sqlParked(database).retry([1, 2])))
    assert.deepEqual(moved.sort(), [0, 2])
  })

  test('what is dropped is gone, and nothing else', async (t) => {
    const { rig, park, drop, list } = await claimed(t, open, 3)
    for (const id of [1, 2]) await park(id)
    assert.equal(await drop([2, 3]), 1)
    assert.deepEqual(await rowsOf(rig), [1, 1, 1])
    assert.equal((await list(0, 10))[0]?.changeId, 1)
    await assert.rejects(drop(Array.from({ length: MAX_MOVED + 1 }, (_, index) => index)), RangeError)
  })
}
