import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SqlError } from '../../src/adapters/sql/errors.ts'
import { DomainError } from '../../src/domain/errors.ts'
import type { Change } from '../../src/ports.ts'
import { until } from '../support/service.ts'
import { claims, endWaits, holdAll, idsOf, insertChange, openFilled, subscribe, waiting } from './feed-rig.ts'
import { gate, numberOf, type OpenRig, type Rig } from './rig.ts'

export function faultyChangesContract(open: OpenRig): void {
  describe('changes that fail', () => {
    splitting(open)
    parking(open)
    waitingOut(open)
    slowness(open)
  })
}

/** Rejects whatever holds one of these users' changes. */
const failingFor =
  (...userIds: number[]) =>
  async (changes: Change[]): Promise<void> => {
    if (changes.some(({ entityId }) => userIds.includes(Number(entityId)))) throw new TypeError('planted')
  }
const othersGoThrough = async () => true
const parked = ({ database }: Rig) =>
  database.query('SELECT change_id, entity_id, error, attempts FROM parked_changes ORDER BY change_id')
const attempts = ({ database }: Rig) => database.query('SELECT change_id, attempts FROM change_claims')
/** As if these changes had been tried so often before, by a worker that is gone. */
const setTries = (rig: Rig, column: 'attempts' | 'takeovers', tries: number) =>
  rig.database.execute(`UPDATE change_claims SET ${column} = ?, claim = '-'`, [tries])

/** One change, which has been tried `tries` times in vain. */
async function triedBefore(t: Parameters<OpenRig>[0], open: OpenRig, column: 'attempts' | 'takeovers', tries: number) {
  const rig = await openFilled(t, open, 1)
  await holdAll(rig)
  await setTries(rig, column, tries)
  await endWaits(rig)
  return rig
}

function splitting(open: OpenRig): void {
  test('the faulty among 500 keep nobody waiting', async (t) => {
    const rig = await openFilled(t, open, 500)
    const faulty = [1, 250, 251, 500]
    const { handled, counts } = subscribe({ rig, handle: failingFor(...faulty), othersGoThrough })
    await until('the others are handled', async () => counts.handled === 496)
    assert.equal(new Set(handled.flat()).size, 496)
    assert.deepEqual(
      (await attempts(rig)).map(({ change_id }) => change_id),
      faulty,
    )
    assert.equal(await waiting(rig), 4)
    assert.equal(counts.waited, 0)
  })

  test('all changes of one user are handled together, and fail together', async (t) => {
    const rig = await open(t)
    for (const [id, userId] of [
      [1, 7],
      [2, 8],
      [3, 7],
      [4, 9],
    ] as const) {
      await insertChange(rig, id, undefined, userId)
    }
    const alone: number[][] = []
    const handle = async (changes: Change[]) => {
      if (new Set(changes.map(({ entityId }) => entityId)).size === 1) alone.push(idsOf(changes))
      await failingFor(7)(changes)
    }
    const { counts } = subscribe({ rig, handle, othersGoThrough })
    await until('the others are handled', async () => counts.handled === 2)
    assert.deepEqual(alone[0], [1, 3])
    assert.equal(counts.retried, 2)
  })

  test('what fails together, but not alone, is nobody’s fault', async (t) => {
    const rig = await openFilled(t, open, 6)
    const handle = async (changes: Change[]) => {
      if (changes.length > 1) throw new Error('planted')
    }
    const { handled, counts } = subscribe({ rig, handle, othersGoThrough })
    await until('all are handled', async () => (await waiting(rig)) === 0)
    assert.deepEqual([handled.flat(), counts.retried], [[1, 2, 3, 4, 5, 6], 0])
  })

  test('a stop in the middle of it gives back what is left, without counting', async (t) => {
    const rig = await openFilled(t, open, 8)
    const begun = gate()
    const { passed, open: go } = gate()
    const handle = async (changes: Change[]) => {
      if (changes.length > 1) throw new Error('planted')
      begun.open()
      await passed
    }
    const { handled, stop } = subscribe({ rig, handle, othersGoThrough })
    rig.after(go)
    await begun.passed
    const stopped = stop()
    go()
    await stopped
    assert.deepEqual(handled, [[1]])
    assert.deepEqual(
      (await rig.database.query('SELECT claim, attempts, takeovers FROM change_claims')).map((row) => ({ ...row })),
      new Array(7).fill({ claim: '-', attempts: 0, takeovers: 0 }),
    )
  })
}

function parking(open: OpenRig): void {
  test('after six tries with growing pauses the entity is fenced, and then the change parked', async (t) => {
    const rig = await openFilled(t, open, 2)
    const tries: number[] = []
    const seen: string[] = []
    const { handled, counts, givenUp } = subscribe({
      rig,
      othersGoThrough,
      handle: async (changes) => {
        if (changes.length === 1 && changes[0]?.changeId === 2) tries.push(performance.now())
        await failingFor(2)(changes)
      },
      giveUp: async () => void seen.push(`${await waiting(rig)} waiting, ${(await parked(rig)).length} parked`),
    })
    await until('it is parked', async () => (await parked(rig)).length > 0)
    assert.deepEqual([handled, givenUp, seen], [[[1]], ['user 2'], ['1 waiting, 0 parked']])
    const [change] = await parked(rig)
    assert.deepEqual([change?.change_id, change?.entity_id, change?.attempts], [2, '2', 6])
    assert.match(String(change?.error), /^TypeError/)
    assert.deepEqual([await waiting(rig), await claims(rig)], [0, 0])
    assert.deepEqual([counts.handled, counts.retried, counts.parked, counts.waited], [1, 5, 1, 0])
    const pauses = tries.slice(1).map((time, index) => time - (tries[index] ?? 0))
    assert.equal(pauses.length, 5)
    // Half to all of 250 ms, doubled each time, and a poll.
    for (const [index, pause] of pauses.entries()) {
      const longest = 250 * 2 ** index
      assert.ok(pause >= longest / 2 && pause < longest + 500, `pause ${index}: ${pause} ms`)
    }
  })

  test('tries are counted on after a worker has died', async (t) => {
    const rig = await triedBefore(t, open, 'attempts', 5)
    const { givenUp } = subscribe({ rig, handle: failingFor(1), othersGoThrough })
    await until('it is parked', async () => (await parked(rig)).length > 0)
    assert.deepEqual(givenUp, ['user 1'])
  })

  test('a change that can’t be fenced is not parked, and is tried further on, while others go through', async (t) => {
    const rig = await triedBefore(t, open, 'attempts', 5)
    let refusals = 2
    const { counts, handled } = subscribe({
      rig,
      othersGoThrough,
      handle: failingFor(1),
      giveUp: async () => {
        refusals -= 1
        if (refusals >= 0) throw new Error('planted')
        assert.equal((await attempts(rig))[0]?.attempts, 5)
      },
    })
    await insertChange(rig, 2)
    await until('the other is handled', async () => counts.handled === 1)
    for (let refused = 0; refused < 2; refused += 1) {
      await until('it could not be fenced', async () => counts.retried > refused)
      assert.deepEqual(await parked(rig), [])
      await endWaits(rig)
    }
    await until('it is parked', async () => (await parked(rig)).length > 0)
    assert.deepEqual([handled, counts.waited], [[[2]], 0])
  })

  test('what was left behind ten times is fenced and parked untried; nine times, it is tried', async (t) => {
    for (const [takeovers, untried] of [
      [9, false],
      [10, true],
    ] as const) {
      const rig = await triedBefore(t, open, 'takeovers', takeovers)
      const { handled, givenUp } = subscribe({ rig, othersGoThrough })
      await until('it is gone', async () => (await waiting(rig)) === 0)
      assert.deepEqual([handled, givenUp], untried ? [[], ['user 1']] : [[[1]], []])
      const errors = (await parked(rig)).map((change) => [change.error, change.attempts])
      assert.deepEqual(errors.length, untried ? 1 : 0)
      if (untried) assert.match(String(errors[0]), /^NeverEndedError at \S+,10$/)
    }
  })

  test('what is parked holds the mark no longer', async (t) => {
    const rig = await triedBefore(t, open, 'attempts', 5)
    const { marks } = subscribe({ rig, handle: failingFor(1), othersGoThrough })
    await until('a mark of today is given', async () => marks.length > 1)
    assert.ok((marks[0] ?? '') < '2021')
    assert.ok((marks[1] ?? '') > '2026')
    assert.equal((await parked(rig)).length, 1)
  })
}

const OUTAGES: [what: string, error: Error][] = [
  ['busy', new DomainError('busy', 'planted')],
  ['database-unavailable', new DomainError('database-unavailable', 'planted')],
  ['a lock', new SqlError('busy', 'planted', undefined)],
  ['no database', new SqlError('unavailable', 'planted', undefined)],
  ['what the subscriber knows', new Error('no Redis')],
]

function waitingOut(open: OpenRig): void {
  const isOutage = (error: unknown) => error instanceof Error && error.message === 'no Redis'

  test('while nobody goes through nothing is counted, parked or lost, whatever the error; then all is handled', async (t) => {
    const rig = await triedBefore(t, open, 'attempts', 5)
    for (let id = 2; id <= 20; id += 1) await insertChange(rig, id)
    const errors = [...OUTAGES.map(([, error]) => error), new TypeError('planted'), new Error('planted')]
    let tries = 0
    const { handled, counts, givenUp, wake } = subscribe({
      rig,
      isOutage,
      othersGoThrough: async (suspects) => {
        assert.ok(suspects.length > 0)
        if (tries % 2 === 0) throw new Error('planted')
        return false
      },
      handle: async () => {
        tries += 1
        const error = errors[tries - 1]
        if (error) throw error
      },
    })
    for (let waits = 1; waits <= errors.length; waits += 1) {
      await until('it waits', async () => counts.waited >= waits)
      assert.ok((await attempts(rig)).every((row) => row.attempts === (row.change_id === 1 ? 5 : 0)))
      wake()
    }
    await until('all are handled', async () => (await waiting(rig)) === 0)
    assert.deepEqual([handled.flat().length, givenUp, counts.retried, counts.parked], [20, [], 0, 0])
  })

  for (const [what, error] of OUTAGES) {
    test(`what fails for ${what} while others go through waits alone, and is never parked for it`, async (t) => {
      const rig = await triedBefore(t, open, 'attempts', 5)
      for (let id = 2; id <= 20; id += 1) await insertChange(rig, id)
      let isOut = true
      const handle = async (changes: Change[]) => {
        if (isOut && changes.some(({ changeId }) => changeId === 1)) throw error
      }
      const { counts, givenUp } = subscribe({ rig, handle, isOutage, othersGoThrough })
      await until('the others are handled', async () => counts.handled === 19)
      for (let tries = 1; tries <= 2; tries += 1) {
        await until('it is tried again', async () => counts.retried >= tries)
        await endWaits(rig)
      }
      assert.deepEqual([await parked(rig), givenUp, counts.waited], [[], [], 0])
      assert.equal((await attempts(rig))[0]?.attempts, 5)
      isOut = false
      await until('it is handled', async () => (await waiting(rig)) === 0)
    })
  }

  test('what was left behind ten times is not parked while nobody goes through', async (t) => {
    const rig = await triedBefore(t, open, 'takeovers', 10)
    const { counts, wake } = subscribe({ rig })
    await until('it waits', async () => counts.waited > 0)
    wake()
    await until('it waits again', async () => counts.waited > 1)
    assert.deepEqual([await parked(rig), await waiting(rig)], [[], 1])
  })

  test('an outage in the middle of a split ends the split', async (t) => {
    const rig = await openFilled(t, open, 100)
    let asked = 0
    let tries = 0
    const { counts } = subscribe({
      rig,
      handle: async () => {
        tries += 1
        throw new Error('planted')
      },
      othersGoThrough: async () => {
        asked += 1
        return asked === 1
      },
    })
    await until('it waits', async () => counts.waited > 0)
    // The whole, its first half, and so on down to one.
    assert.equal(tries, 8)
    assert.equal(await numberOf(rig.database, 'SELECT SUM(attempts) AS n FROM change_claims'), 0)
  })
}

function slowness(open: OpenRig): void {
  /** So short that its end is soon there, so long that no pause of a busy machine makes a renewal late. */
  const SHORT_LEASE_MS = 800

  /** Two workers; the first is held up in the middle of handling, until `go`. */
  async function slowAndHeir(t: Parameters<OpenRig>[0], renew: boolean) {
    const rig = await openFilled(t, open, 3)
    const begun = gate()
    const { passed, open: go } = gate()
    const slow = subscribe({
      rig,
      leaseMs: SHORT_LEASE_MS,
      pollMs: 600_000,
      othersGoThrough,
      outbox: () => (renew ? {} : { renew: () => Promise.reject(new Error('planted')) }),
      handle: async () => {
        begun.open()
        await passed
      },
    })
    rig.after(go)
    await begun.passed
    const heir = subscribe({ rig, database: rig.other })
    return { rig, slow, heir, go }
  }

  test('a slow worker keeps what it has: its claim is renewed', async (t) => {
    const { rig, slow, heir, go } = await slowAndHeir(t, true)
    const first = await rig.database.query('SELECT free_at FROM change_claims WHERE change_id = 1')
    await until('a lease would have ended', async () => {
      const [row] = await rig.database.query('SELECT free_at FROM change_claims WHERE change_id = 1')
      return Date.parse(`${row?.free_at}Z`) - Date.parse(`${first[0]?.free_at}Z`) > 1.5 * SHORT_LEASE_MS
    })
    go()
    await until('all are forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual([slow.handled, heir.handled, slow.counts.claimsLost], [[[1, 2, 3]], [], 0])
  })

  test('a worker that hangs for ever does not keep what it has', async (t) => {
    const rig = await openFilled(t, open, 3)
    const { passed, open: go } = gate()
    subscribe({ rig, leaseMs: 30, pollMs: 600_000, handle: () => passed })
    rig.after(go)
    await until('it has them in hand', async () => (await claims(rig)) === 3)
    const heir = subscribe({ rig, database: rig.other })
    await until('the other has taken over', async () => heir.handled.length > 0)
    assert.deepEqual(heir.handled, [[1, 2, 3]])
  })

  test('a worker that was too slow does no harm: all is handled, twice, and it sees that it was', async (t) => {
    const { rig, slow, heir, go } = await slowAndHeir(t, false)
    await until('the other has taken over', async () => heir.handled.length > 0)
    await insertChange(rig, 4)
    await until('all are forgotten', async () => (await waiting(rig)) === 0)
    go()
    await until('the slow one has finished', async () => slow.counts.claimsLost === 3)
    assert.deepEqual([slow.handled, heir.handled], [[[1, 2, 3]], [[1, 2, 3], [4]]])
    assert.equal(await claims(rig), 0)
  })

  test('a worker that fails too late counts nothing against what another has in hand', async (t) => {
    const rig = await openFilled(t, open, 1)
    const { passed, open: go } = gate()
    const handle = async () => {
      await passed
      throw new TypeError('planted')
    }
    const slow = subscribe({ rig, handle, othersGoThrough, pollMs: 600_000 })
    rig.after(go)
    await until('it has it in hand', async () => (await claims(rig)) === 1)
    await endWaits(rig)
    const { held } = await holdAll(rig)
    go()
    await until('the slow one has finished', async () => slow.counts.claimsLost === 1)
    const [row] = await rig.database.query('SELECT claim, attempts, takeovers FROM change_claims')
    assert.deepEqual({ ...row }, { claim: held.claim, attempts: 0, takeovers: 1 })
  })
}
