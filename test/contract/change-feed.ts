import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type SqlChanges, sqlChanges } from '../../src/adapters/sql/changes.ts'
import { directFeed } from '../../src/adapters/sql/direct-feed.ts'
import type { Change } from '../../src/ports.ts'
import { quiet, until } from '../support/service.ts'
import { gate, insertUser, numberOf, type OpenRig, type Owner, type Rig, run, truthOf } from './rig.ts'

const POLL_MS = 2
/** Longer than any test: what comes nevertheless has come by a wake. */
const NO_POLL_MS = 600_000
const BATCH = 500

type Options = {
  pollMs?: number
  changes?: SqlChanges
  handle?: (changes: Change[]) => Promise<void>
  onMark?: (mark: string) => Promise<void>
}

/** A feed that keeps what it has been given; what `handle` rejects is not kept. */
function subscribe({
  rig,
  pollMs = POLL_MS,
  changes = sqlChanges(rig.database),
  handle,
  onMark,
}: Options & { rig: Rig }) {
  const handled: number[][] = []
  const marks: string[] = []
  const feed = directFeed({ changes, truth: truthOf(rig), pollMs, log: quiet })
  const subscription = feed.subscribe({
    async handle(batch) {
      await handle?.(batch)
      handled.push(batch.map(({ changeId }) => changeId))
    },
    async onMark(mark) {
      await onMark?.(mark)
      marks.push(mark)
    },
  })
  rig.after(subscription.stop)
  return { ...subscription, handled, marks }
}

const insertChange = ({ database }: Rig, id: number, changedAt = '2020-01-01 00:00:00.000') =>
  database.execute(`INSERT INTO entity_changes (change_id, entity, entity_id, changed_at) VALUES (?, 'user', '1', ?)`, [
    id,
    changedAt,
  ])
const waiting = ({ database }: Rig) => numberOf(database, 'SELECT COUNT(*) AS n FROM entity_changes')

async function openFilled(t: Owner, open: OpenRig, count: number): Promise<Rig> {
  const rig = await open(t)
  await rig.database.transaction(async (database) => {
    for (let id = 1; id <= count; id += 1)
      await insertChange({ ...rig, database: { ...rig.database, ...database } }, id)
  })
  return rig
}

export function changeFeedContract(open: OpenRig): void {
  describe('changes', () => {
    outbox(open)
  })
  describe('direct feed', () => {
    handing(open)
    failing(open)
    waking(open)
    marking(open)
  })
}

function outbox(open: OpenRig): void {
  test('what is pending comes in the order of ids, at most as many as asked for, and stays', async (t) => {
    const rig = await openFilled(t, open, 5)
    const { pending } = sqlChanges(rig.database)
    for (const [limit, ids] of [
      [3, [1, 2, 3]],
      [500, [1, 2, 3, 4, 5]],
    ] as const) {
      assert.deepEqual(
        (await pending(limit)).map(({ changeId }) => changeId),
        ids,
      )
    }
    const [first] = await pending(1)
    assert.deepEqual(first, { changeId: 1, entity: 'user', entityId: '1', changedAt: '2020-01-01 00:00:00.000' })
  })

  test('exactly the given ids are forgotten, 500 of them too', async (t) => {
    const rig = await openFilled(t, open, 503)
    const { pending, forget } = sqlChanges(rig.database)
    await forget([2])
    await forget([77_777])
    await forget(Array.from({ length: 500 }, (_, index) => index + 3))
    assert.deepEqual(
      (await pending(500)).map(({ changeId }) => changeId),
      [1, 503],
    )
    await assert.rejects(forget(Array.from({ length: 501 }, (_, index) => index)), RangeError)
  })

  test('what has not been committed is not pending', async (t) => {
    const rig = await open(t)
    const written = gate()
    const { passed, open: commit } = gate()
    rig.after(commit)
    const writing = rig.other.transaction(async (session) => {
      await insertUser(session, 1)
      written.open()
      await passed
    })
    await written.passed
    assert.deepEqual(await sqlChanges(rig.database).pending(10), [])
    commit()
    await writing
    assert.equal((await sqlChanges(rig.database).pending(10)).length, 1)
  })
}

function handing(open: OpenRig): void {
  test('what is there at the start is handed on in batches of 500, each forgotten', async (t) => {
    const rig = await openFilled(t, open, 1_203)
    // Only a full batch is followed by the next one at once: the rest waits for a poll that does not come.
    const { handled } = subscribe({ rig, pollMs: NO_POLL_MS })
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual(
      handled.map(({ length }) => length),
      [BATCH, BATCH, 203],
    )
    assert.deepEqual(
      handled.flat(),
      Array.from({ length: 1_203 }, (_, index) => index + 1),
    )
  })

  test('a batch is forgotten only after it has been handled, and without what came meanwhile', async (t) => {
    const rig = await openFilled(t, open, 2)
    const begun = gate()
    const { passed, open: finish } = gate()
    const handle = async () => {
      begun.open()
      await passed
    }
    const { handled } = subscribe({ rig, handle })
    rig.after(finish)
    await begun.passed
    await insertChange(rig, 3)
    assert.equal(await waiting(rig), 3)
    finish()
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual(handled, [[1, 2], [3]])
  })

  test('batches are handled one at a time', async (t) => {
    const rig = await openFilled(t, open, 1_001)
    let running = 0
    let most = 0
    const handle = async () => {
      running += 1
      most = Math.max(most, running)
      wake()
      await new Promise(setImmediate)
      running -= 1
    }
    const { wake } = subscribe({ rig, handle })
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.equal(most, 1)
  })

  test('what commits late, with an id below those already handled, is not lost', async (t) => {
    const rig = await open(t)
    for (const id of [7, 9]) await insertChange(rig, id)
    const { handled } = subscribe({ rig })
    await until('two are forgotten', async () => (await waiting(rig)) === 0)
    for (const id of [8, 3, 1]) {
      await insertChange(rig, id)
      await until(`${id} is forgotten`, async () => (await waiting(rig)) === 0)
    }
    assert.deepEqual(handled.flat(), [7, 9, 8, 3, 1])
  })

  test('what a program of another kind commits is handed on, as it comes', async (t) => {
    const rig = await open(t)
    for (const userId of [1, 2]) await insertUser(rig.database, userId)
    await run(rig.database, 'DELETE FROM entity_changes')
    const seen = new Set<string>()
    const { handled } = subscribe({
      rig,
      handle: async (changes) => {
        for (const { entity, entityId } of changes) seen.add(`${entity} ${entityId}`)
      },
    })
    const update = (id: number) => `UPDATE users SET email = ? WHERE user_id = ${id}`
    await rig.otherProgram([update(1), update(2)], 100).ended
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual([...seen].sort(), ['user 1', 'user 2'])
    assert.equal(handled.flat().length, 200)
    assert.equal(new Set(handled.flat()).size, 200)
  })
}

function failing(open: OpenRig): void {
  const boom = () => Promise.reject(new Error('out of reach'))

  test('a batch that can’t be handled stays, and is tried again until it can', async (t) => {
    const rig = await openFilled(t, open, 2)
    const tries: number[][] = []
    const { handled } = subscribe({
      rig,
      handle: async (changes) => {
        tries.push(changes.map(({ changeId }) => changeId))
        assert.equal(await waiting(rig), 2)
        if (tries.length < 3) await boom()
      },
    })
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual(tries, new Array(3).fill([1, 2]))
    assert.deepEqual(handled, [[1, 2]])
  })

  test('a batch that could not be forgotten is handled again: twice rather than never', async (t) => {
    const rig = await openFilled(t, open, 2)
    const changes = sqlChanges(rig.database)
    let failures = 1
    const { handled } = subscribe({
      rig,
      changes: {
        ...changes,
        forget: (ids) => {
          failures -= 1
          return failures >= 0 ? boom() : changes.forget(ids)
        },
      },
    })
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual(handled, [
      [1, 2],
      [1, 2],
    ])
  })

  test('while the database is away the feed waits, and then goes on', async (t) => {
    const rig = await openFilled(t, open, 1)
    const changes = sqlChanges(rig.database)
    let failures = 2
    const { handled } = subscribe({
      rig,
      changes: {
        ...changes,
        pending: (limit) => {
          failures -= 1
          return failures >= 0 ? boom() : changes.pending(limit)
        },
      },
    })
    await until('it is handled', async () => handled.length > 0)
    assert.deepEqual(handled, [[1]])
  })

  test('a mark that can’t be kept holds nothing up for ever', async (t) => {
    const rig = await openFilled(t, open, 1)
    let failures = 1
    const { handled, marks } = subscribe({
      rig,
      onMark: async () => {
        failures -= 1
        if (failures >= 0) await boom()
      },
    })
    await until('it is handled', async () => handled.length > 0)
    assert.equal(marks.length, 1)
  })
}

function waking(open: OpenRig): void {
  test('a wake makes it look at once', async (t) => {
    const rig = await openFilled(t, open, 1)
    const { handled, wake } = subscribe({ rig, pollMs: NO_POLL_MS })
    await until('the first is forgotten', async () => (await waiting(rig)) === 0)
    await insertChange(rig, 2)
    wake()
    await until('the second is forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual(handled, [[1], [2]])
  })

  test('a wake while a batch is handled is not lost', async (t) => {
    const rig = await openFilled(t, open, 1)
    const handle = async ([first]: Change[]) => {
      if (first?.changeId !== 1) return
      await insertChange(rig, 2)
      wake()
    }
    const { handled, wake } = subscribe({ rig, pollMs: NO_POLL_MS, handle })
    await until('both are forgotten', async () => (await waiting(rig)) === 0)
    assert.deepEqual(handled, [[1], [2]])
  })

  test('without any wake it polls', async (t) => {
    const rig = await openFilled(t, open, 0)
    const { handled } = subscribe({ rig })
    for (const id of [1, 2, 3]) {
      await insertChange(rig, id)
      await until(`${id} is forgotten`, async () => (await waiting(rig)) === 0)
    }
    assert.deepEqual(handled, [[1], [2], [3]])
  })

  test('stop waits for the batch in hand; afterwards nothing is handed on', async (t) => {
    const rig = await openFilled(t, open, 1)
    const begun = gate()
    const { passed, open: finish } = gate()
    const handle = async () => {
      begun.open()
      await passed
    }
    const { handled, stop, wake } = subscribe({ rig, handle })
    rig.after(finish)
    await begun.passed
    await insertChange(rig, 2)
    const stopped = stop()
    finish()
    await stopped
    assert.deepEqual(handled, [[1]])
    wake()
    await stop()
    assert.deepEqual([await waiting(rig), handled.length], [1, 1])
  })

  test('stop does not wait for the next poll', async (t) => {
    const rig = await openFilled(t, open, 0)
    const { marks, stop } = subscribe({ rig, pollMs: NO_POLL_MS })
    await until('it has looked once', async () => marks.length > 0)
    await stop()
  })
}

function marking(open: OpenRig): void {
  test('with nothing pending the mark is the database’s time, taken before the look', async (t) => {
    const rig = await openFilled(t, open, 0)
    const { now } = truthOf(rig)
    const before = await now()
    const { marks } = subscribe({ rig })
    await until('a mark is given', async () => marks.length > 0)
    const times = [before, marks[0] ?? '', await now()]
    assert.deepEqual(times, times.toSorted())
  })

  test('with changes pending the mark is the oldest of them, and is given before they are handled', async (t) => {
    const rig = await open(t)
    await insertChange(rig, 1, '2021-01-01 00:00:00.000')
    await insertChange(rig, 2, '2020-06-01 00:00:00.000')
    const seen: string[] = []
    const { marks } = subscribe({
      rig,
      onMark: async (mark) => void seen.push(mark),
      handle: async () => void seen.push('handled'),
    })
    await until('a second mark is given', async () => marks.length > 1)
    assert.deepEqual(seen.slice(0, 2), ['2020-06-01 00:00:00.000', 'handled'])
    assert.ok((marks[1] ?? '') > '2026', 'then nothing is pending')
  })

  test('marks come about once a second, not with every look', async (t) => {
    const rig = await openFilled(t, open, 1_203)
    const { marks } = subscribe({ rig })
    const begun = performance.now()
    await until('all is forgotten', async () => (await waiting(rig)) === 0)
    assert.ok(marks.length <= 1 + Math.floor((performance.now() - begun) / 1_000), `${marks.length} marks`)
  })
}
